package main

import (
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/net/dns/dnsmessage"
)

// startDNS starts a name server over TCP that knows mail exchangers, and sets DNS to
// its address: dns DOMAIN=PREFERENCE:HOST,... A host of "." is a null MX.
func startDNS(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: dns DOMAIN=PREFERENCE:HOST,...")
	}
	zone := map[string][]dnsmessage.MXResource{}
	for _, arg := range args {
		domain, list, _ := strings.Cut(arg, "=")
		for entry := range strings.SplitSeq(list, ",") {
			preference, host, _ := strings.Cut(entry, ":")
			n, err := strconv.ParseUint(preference, 10, 16)
			ts.Check(err)
			name, err := dnsmessage.NewName(strings.TrimSuffix(host, ".") + ".")
			ts.Check(err)
			zone[domain+"."] = append(zone[domain+"."], dnsmessage.MXResource{Pref: uint16(n), MX: name})
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			open.Go(func() { serveDNS(conn, zone) })
		}
	})
	ts.Defer(func() { ln.Close(); open.Wait() })
	ts.Setenv("DNS", ln.Addr().String())
}

// serveDNS answers the questions of one connection.
func serveDNS(conn net.Conn, zone map[string][]dnsmessage.MXResource) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		packet := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, packet); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(packet) != nil || len(m.Questions) != 1 {
			return
		}
		q := m.Questions[0]
		answer := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true}, Questions: m.Questions}
		records := zone[q.Name.String()]
		if len(records) == 0 {
			answer.RCode = dnsmessage.RCodeNameError
		}
		for _, r := range records {
			if q.Type == dnsmessage.TypeMX {
				answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1}, Body: &r})
			}
		}
		packed, err := answer.AppendPack(make([]byte, 2))
		if err != nil {
			return
		}
		binary.BigEndian.PutUint16(packed, uint16(len(packed)-2))
		if _, err := conn.Write(packed); err != nil {
			return
		}
	}
}
