package protocoltest

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// RunBenchmarks measures a client against a server, which must have Many and Big
// where the client can list and read; New is overwritten.
func RunBenchmarks(b *testing.B, spec *protocols.Spec, server func(b testing.TB) *Server) {
	h := &Harness{Spec: spec}
	for _, m := range []struct {
		name string
		run  func(b *testing.B, s *Server, c protocols.Client)
	}{{"Probe", benchProbe}, {"List10k", benchList}, {"Stat", benchStat}, {"Get1MiB", benchGet(1 << 20)}, {"Get64MiB", benchGet(0)}, {"Put1MiB", benchPut}, {"Bulk", benchBulk}} {
		b.Run(m.name, func(b *testing.B) {
			s := server(b)
			c := h.open(b, s.URL, s.Options)
			defer c.Close()
			b.ReportAllocs()
			m.run(b, s, c)
		})
	}
}

// fail ends a measurement: without a result where the client has not that verb.
func fail(b *testing.B, err error) {
	b.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		b.Skip(err)
	}
	b.Fatal(err)
}

func benchProbe(b *testing.B, _ *Server, c protocols.Client) {
	for b.Loop() {
		if _, err := c.Probe(b.Context()); err != nil {
			fail(b, err)
		}
	}
}

func benchList(b *testing.B, s *Server, c protocols.Client) {
	for b.Loop() {
		n := 0
		for _, err := range protocols.List(b.Context(), c, s.Many) {
			if err != nil {
				fail(b, err)
			}
			n++
		}
		if n != 10_000 {
			b.Fatalf("%d entries", n)
		}
	}
}

func benchStat(b *testing.B, s *Server, c protocols.Client) {
	for b.Loop() {
		if _, err := protocols.Stat(b.Context(), c, s.Files[0]); err != nil {
			fail(b, err)
		}
	}
}

// benchGet reads the first length bytes of the big file, 0 for all.
func benchGet(length int64) func(b *testing.B, s *Server, c protocols.Client) {
	return func(b *testing.B, s *Server, c protocols.Client) {
		for b.Loop() {
			o, err := protocols.Get(b.Context(), c, s.Big, &protocols.GetOptions{Length: length})
			if err != nil {
				fail(b, err)
			}
			n, err := io.Copy(io.Discard, o.Body)
			if err != nil {
				fail(b, err)
			}
			o.Body.Close()
			b.SetBytes(n)
		}
	}
}

func benchPut(b *testing.B, s *Server, c protocols.Client) {
	text := strings.Repeat("0123456789abcdef", 1<<16)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := protocols.Put(b.Context(), c, s.New, strings.NewReader(text), nil); err != nil {
			fail(b, err)
		}
	}
}

func benchBulk(b *testing.B, s *Server, c protocols.Client) {
	for b.Loop() {
		err := protocols.BulkGet(b.Context(), c, sequence(s.Files), func(_ string, o *protocols.Object, err error) error {
			if err == nil {
				_, err = io.Copy(io.Discard, o.Body)
			}
			return err
		})
		if err != nil {
			fail(b, err)
		}
	}
}
