package ftp_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// liar is an FTP server that reports success whatever it has stored of an upload: at most
// room bytes. It returns the server's address.
func liar(t *testing.T, room int, features ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go lie(c, room, features)
		}
	}()
	return l.Addr().String()
}

func lie(c net.Conn, room int, features []string) {
	defer c.Close()
	files := map[string][]byte{}
	var data net.Listener
	say := func(format string, args ...any) { fmt.Fprintf(c, format+"\r\n", args...) }
	say("220 ready")
	for in := bufio.NewScanner(c); in.Scan(); {
		verb, arg, _ := strings.Cut(in.Text(), " ")
		switch verb {
		case "USER":
			say("230 welcome")
		case "FEAT":
			if features == nil {
				say("502 not implemented")
				continue
			}
			say("211-Features:\r\n %s\r\n211 End", strings.Join(features, "\r\n "))
		case "PWD":
			say(`257 "/"`)
		case "TYPE", "OPTS":
			say("200 done")
		case "EPSV":
			var err error
			if data, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
				return
			}
			say("229 ok (|||%d|)", data.Addr().(*net.TCPAddr).Port)
		case "STOR":
			say("150 go on")
			d, err := data.Accept()
			data.Close()
			if err != nil {
				return
			}
			b, _ := io.ReadAll(d)
			d.Close()
			files[arg] = b[:min(len(b), room)]
			say("226 stored")
		case "SIZE":
			say("213 %d", len(files[arg]))
		case "RNFR":
			say("350 go on")
		case "RNTO":
			say("250 renamed")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("502 unknown")
		}
	}
}

// TestUploadCutInSilence: a server that reports success for a part of what was sent, as at
// the end of a quota, has not got the file, and nothing is renamed. One that does not say
// sizes is believed.
func TestUploadCutInSilence(t *testing.T) {
	for _, tt := range []struct {
		name     string
		room     int
		features []string
		put      protocols.PutOptions
		cut      bool
	}{
		{"all of it", 10_000, []string{"SIZE"}, protocols.PutOptions{}, false},
		{"a part", 9_999, []string{"SIZE"}, protocols.PutOptions{}, true},
		{"nothing", 0, []string{"SIZE"}, protocols.PutOptions{}, true},
		{"a part, in place", 5_000, []string{"SIZE"}, protocols.PutOptions{InPlace: true}, true},
		{"a server without FEAT", 5_000, nil, protocols.PutOptions{}, true},
		{"SIZE is not announced", 5_000, []string{"UTF8"}, protocols.PutOptions{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var seen []string
			c := open(t, "ftp://"+liar(t, tt.room, tt.features...), &protocols.Options{Trace: func(e protocols.Event) {
				if e.Kind == protocols.EventSend {
					seen = append(seen, strings.Fields(e.Text + " -")[0])
				}
			}})
			_, err := c.Put(t.Context(), "r.bin", bytes.NewReader(make([]byte, 10_000)), &tt.put)
			e, _ := errors.AsType[*protocols.Error](err)
			if tt.cut != (err != nil) || tt.cut && (e == nil || e.Kind != protocols.KindProtocol || !strings.Contains(e.Text, fmt.Sprintf("%d of 10000 bytes", tt.room))) {
				t.Errorf("%v", err)
			}
			if renamed := strings.Contains(strings.Join(seen, " "), "RNTO"); renamed != (err == nil && !tt.put.InPlace) {
				t.Errorf("renamed: %v: %q", renamed, seen)
			}
		})
	}
}
