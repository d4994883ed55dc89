#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Print what a foreign library finds in a hive, in the form of tests/lib/hives.h with two differences: times are seconds
# since 1970 (? if the library does not say), and what a library cannot show is ?.
# Usage: hive_dump.pl hivex|win32registry FILE
use strict;
use warnings;
use Encode;
use POSIX qw(floor);

my ($library, $file) = @ARGV;
binmode STDOUT;

sub units {
    my ($name) = @_;
    return $name eq '' ? '-' : unpack('H*', encode('UTF-16BE', $name));
}

sub bytes {
    my ($data) = @_;
    return !defined $data ? '?' : $data eq '' ? '-' : unpack('H*', $data);
}

sub dump_hivex {
    my ($h, $node, $depth) = @_;
    my $name = $h->node_name($node);
    utf8::decode($name) unless utf8::is_utf8($name);
    my $time = floor($h->node_timestamp($node) / 10000000) - 11644473600;
    print "K $depth ", units($name), " $time ? ?\n";
    foreach my $value ($h->node_values($node)) {
        my $key = $h->value_key($value);
        utf8::decode($key) unless utf8::is_utf8($key);
        my ($type, $data) = $h->value_value($value);
        $type &= 0xffffffff;
        print 'V ', $depth + 1, ' ', units($key), " $type ", bytes($data), "\n";
    }
    no warnings 'recursion';
    dump_hivex($h, $_, $depth + 1) foreach $h->node_children($node);
}

sub dump_win32registry {
    my ($key, $depth) = @_;
    my $security = $key->get_security; # Nothing if there is none, or if it is not well-formed.
    my $descriptor = defined $security ? substr($security->get_raw_bytes, 24, $security->{_security_descriptor_length}) : '';
    my $class = $key->get_class_name;
    $class = '' unless defined $class;
    my $time = $key->get_timestamp;
    $time = '?' unless defined $time;
    print "K $depth ", units($key->get_name), " $time ", units($class), ' ', bytes($descriptor), "\n";
    foreach my $value ($key->get_list_of_values) {
        print 'V ', $depth + 1, ' ', units($value->get_name), ' ', $value->get_type, ' ', bytes($value->get_raw_data), "\n";
    }
    no warnings 'recursion';
    dump_win32registry($_, $depth + 1) foreach $key->get_list_of_subkeys;
}

if ($library eq 'hivex') {
    require Win::Hivex;
    my $h = Win::Hivex->open($file) or die "hivex cannot open $file\n";
    dump_hivex($h, $h->root, 0);
} else {
    require Parse::Win32Registry;
    no warnings 'once';
    $Parse::Win32Registry::Base::CODEPAGE = 'iso-8859-1'; # So that all 256 bytes are characters.
    my $registry = Parse::Win32Registry->new($file) or die "Parse::Win32Registry cannot open $file\n";
    dump_win32registry($registry->get_root_key, 0);
}
