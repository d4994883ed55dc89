// SPDX-License-Identifier: Apache-2.0

// etcdload: what bench-load is for Rueda, for etcd, through its own client.
// Output is one line of JSON as of bench/callers.h.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/clientv3"
)

const (
	valueLen     = 200
	perRequest   = 100 // Operations of one transaction; etcd takes 128.
	keysOfCaller = 100
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "etcdload:", err)
		os.Exit(1)
	}
}

func key(i int) string {
	return fmt.Sprintf("/bench/key%08d", i)
}

func fill(c *clientv3.Client, count int) {
	value := strings.Repeat("v", valueLen)
	for i := 0; i < count; i += perRequest {
		var ops []clientv3.Op
		for j := i; j < i+perRequest && j < count; j++ {
			ops = append(ops, clientv3.OpPut(key(j), value))
		}
		_, err := c.Txn(context.Background()).Then(ops...).Commit()
		must(err)
	}
}

// Each caller puts into keys of its own until the time is over.
func put(clients []*clientv3.Client, callers int, seconds float64) {
	value := strings.Repeat("w", valueLen)
	latencies := make([][]float64, callers)
	var wait sync.WaitGroup
	begin := time.Now()
	until := begin.Add(time.Duration(seconds * float64(time.Second)))
	for i := 0; i < callers; i++ {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			c := clients[i%len(clients)]
			for turn := 0; time.Now().Before(until); turn++ {
				before := time.Now()
				_, err := c.Put(context.Background(), key(i*keysOfCaller+turn%keysOfCaller), value)
				must(err)
				latencies[i] = append(latencies[i], float64(time.Since(before).Nanoseconds())/1e3)
			}
		}(i)
	}
	wait.Wait()
	elapsed := time.Since(begin).Seconds()
	var all []float64
	for _, l := range latencies {
		all = append(all, l...)
	}
	sort.Float64s(all)
	n := len(all)
	fmt.Printf("{\"callers\": %d, \"count\": %d, \"seconds\": %.4f, \"rate\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n",
		callers, n, elapsed, float64(n)/elapsed, all[n/2], all[n*99/100], all[n-1])
}

func main() {
	endpoint := flag.String("endpoint", "", "host:port")
	load := flag.Int("fill", 0, "put this many values and end")
	callers := flag.Int("callers", 1, "concurrent callers")
	connections := flag.Int("connections", 1, "client connections, shared by the callers")
	seconds := flag.Float64("seconds", 1, "how long")
	flag.Parse()
	var clients []*clientv3.Client
	for i := 0; i < *connections; i++ {
		c, err := clientv3.New(clientv3.Config{Endpoints: []string{*endpoint}, DialTimeout: 5 * time.Second})
		must(err)
		clients = append(clients, c)
	}
	if *load > 0 {
		fill(clients[0], *load)
		return
	}
	// The first request of a connection is not what is measured.
	for _, c := range clients {
		_, err := c.Get(context.Background(), key(0))
		must(err)
	}
	put(clients, *callers, *seconds)
}
