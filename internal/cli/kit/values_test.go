package kit

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"4s": 4 * time.Second, "500ms": 500 * time.Millisecond, "10": 10 * time.Second, "0.5": 500 * time.Millisecond, "0": 0, "1h2m": 62 * time.Minute,
	} {
		if got, err := ParseDuration(in); err != nil || got != want {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "-1", "-4s", "x", "NaN", "Inf", "1e300", "4 s", "99999999999h"} {
		if got, err := ParseDuration(in); err == nil {
			t.Errorf("%q was taken as %v", in, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "4096": 4096, "64k": 64 << 10, "64K": 64 << 10, "1.5M": 3 << 19, "2GiB": 2 << 30, "3MB": 3 << 20, "1t": 1 << 40,
		"10B": 10, "9223372036854775807": 1<<63 - 1,
	} {
		if got, err := parseSize(in); err != nil || got != want {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "-1", "-1k", "x", "NaN", "1x", "k", "9223372036854775808", "8388608T", "1e30", "1kk", "Inf"} {
		if got, err := parseSize(in); err == nil {
			t.Errorf("%q was taken as %d", in, got)
		}
	}
}

func TestSpan(t *testing.T) {
	for in, want := range map[string][2]int64{"0-499": {0, 500}, "5": {5, 1}, "500-": {500, 0}, "7-7": {7, 1}} {
		var s span
		if err := s.Set(in); err != nil || s.First != want[0] || s.Length() != want[1] {
			t.Errorf("%q: %+v %v", in, s, err)
		}
	}
	for _, in := range []string{"", "-", "-0", "--5", "5-2", "a-b", "1-2-3", "0-9223372036854775807", "99999999999999999999-"} {
		if err := new(span).Set(in); err == nil {
			t.Errorf("%q was taken", in)
		}
	}
	var tail span
	if err := tail.Set("-5"); err != nil || tail.Tail != 5 || tail.Length() != 0 || tail.String() != "-5" {
		t.Errorf("%+v %v", tail, err)
	}
	if new(span).Length() != 0 {
		t.Error("no range is all of it")
	}
}

func TestHostMaps(t *testing.T) {
	g := NewGlobals()
	for in, want := range map[string][2]string{
		"Host.Example:21:127.0.0.1": {"host.example:21", "127.0.0.1"},
		"h:21:[::1]":                {"h:21", "::1"},
		"h:21:::1":                  {"h:21", "::1"},
		"[fe80::1]:21:10.0.0.1":     {"[fe80::1]:21", "10.0.0.1"},
	} {
		if err := g.resolve.Set(in); err != nil || g.resolve.m[want[0]] != want[1] {
			t.Errorf("%q: %v %v", in, g.resolve.m, err)
		}
	}
	for in, want := range map[string][2]string{
		"h:21:other:2121": {"h:21", "other:2121"}, "a:1::2": {"a:1", "a:2"}, "b:1:c:": {"b:1", "c:1"}, "d:1:[::1]:5": {"d:1", "[::1]:5"},
	} {
		if err := g.connectTo.Set(in); err != nil || g.connectTo.m[want[0]] != want[1] {
			t.Errorf("%q: %v %v", in, g.connectTo.m, err)
		}
	}
	for _, in := range []string{"", ":", "h:21", "h:0:1.2.3.4", "h:99999:1.2.3.4", "h:21:name", "h:x:1.2.3.4", "[h:21:1.2.3.4", ":21:1.2.3.4"} {
		if err := g.resolve.Set(in); err == nil {
			t.Errorf("--resolve %q was taken", in)
		}
	}
}

func TestPins(t *testing.T) {
	var p pins
	hex := "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
	for _, in := range []string{hex, "sha256//ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8="} {
		if err := p.Set(in); err != nil {
			t.Errorf("%q: %v", in, err)
		}
	}
	if len(p) != 2 || string(p[0]) != string(p[1]) {
		t.Errorf("the two forms differ: %x", p)
	}
	for _, in := range []string{"", "00", hex + "00", "sha256//AAAA", "sha1//" + hex, "zz" + hex[2:]} {
		if err := p.Set(in); err == nil {
			t.Errorf("%q was taken", in)
		}
	}
}
