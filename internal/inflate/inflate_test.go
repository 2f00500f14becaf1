package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/netclients/netclients/internal/wire"
)

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.UintN(256))
	}
	return b
}

// letters is text that compresses like mail.
func letters(n int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	words := strings.Fields("the of and to in is that it was for on are as with his they at be this from have or by one had not but what all were when we there can an your which their said if do will each about how up out them then she many some so these would other into has more her two like him see time could no make than first been its who now people my made over did down only way find use may water long little very after words called just where most know")
	var b bytes.Buffer
	for b.Len() < n {
		b.WriteString(words[r.IntN(len(words))])
		b.WriteByte(" \n"[r.IntN(20)/19])
	}
	return b.Bytes()[:n]
}

// packed compresses data in parts, flushing after each as a server flushes its
// replies.
func packed(t testing.TB, level int, data []byte, parts int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	for i := range parts {
		w.Write(data[i*len(data)/parts : (i+1)*len(data)/parts])
		w.Flush()
	}
	w.Close()
	return b.Bytes()
}

// TestReader: all types of blocks, in one piece and byte by byte.
func TestReader(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("x"), letters(200_000), random(70_000), bytes.Repeat([]byte("a"), 300_000)} {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.DefaultCompression, flate.BestCompression} {
			coded := packed(t, level, data, 7)
			got, err := io.ReadAll(NewReader(bytes.NewReader(coded), 1<<30))
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("level %d: %d bytes of %d, %v", level, len(got), len(data), err)
			}
		}
		coded := packed(t, flate.DefaultCompression, data[:min(len(data), 50_000)], 3)
		got, err := io.ReadAll(NewReader(iotest.OneByteReader(bytes.NewReader(coded)), 1<<30))
		if err != nil || !bytes.Equal(got, data[:min(len(data), 50_000)]) {
			t.Fatalf("byte by byte: %d bytes, %v", len(got), err)
		}
	}
}

// TestReaderDoesNotWait: everything that a flush has sent can be read before
// anything else arrives, as far as the received bytes determine it.
func TestReaderDoesNotWait(t *testing.T) {
	near, far := io.Pipe()
	defer near.Close()
	go func() {
		w, _ := flate.NewWriter(far, flate.DefaultCompression)
		for range 100 {
			io.WriteString(w, "* OK still here\r\n")
			if w.Flush() != nil {
				return
			}
		}
	}()
	r := NewReader(near, 1<<20)
	line := make([]byte, len("* OK still here\r\n"))
	for range 100 {
		if _, err := io.ReadFull(r, line); err != nil || string(line) != "* OK still here\r\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
}

// TestReaderErrors: a truncated, damaged or oversized stream is an error.
func TestReaderErrors(t *testing.T) {
	coded := packed(t, flate.BestSpeed, letters(500), 2)
	for cut := range len(coded) - 1 {
		if _, err := io.ReadAll(NewReader(bytes.NewReader(coded[:cut]), 1<<20)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
	_, err := io.ReadAll(NewReader(bytes.NewReader(packed(t, 9, make([]byte, 1<<20), 1)), 1<<16))
	if _, ok := errors.AsType[*wire.LimitError](err); !ok {
		t.Errorf("oversized: %v", err)
	}
	if _, err := io.ReadAll(NewReader(strings.NewReader("\x07"), 1<<20)); err == nil {
		t.Error("an invalid block type was accepted")
	}
}

// FuzzReader compares with the standard library: whatever it decodes must come
// out the same, and nothing may panic or loop for ever.
func FuzzReader(f *testing.F) {
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
		f.Add(packed(f, level, append([]byte(strings.Repeat("hello, world; ", 50)), random(700)...), 2))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), 1<<20))
		got, err := io.ReadAll(io.LimitReader(NewReader(bytes.NewReader(data), 1<<22), 1<<20))
		if wantErr == nil && (err != nil || !bytes.Equal(got, want)) {
			t.Fatalf("%d bytes, %v; the library returns %d", len(got), err, len(want))
		}
		if wantErr != nil && len(got) > len(want) && !bytes.HasPrefix(got, want) {
			t.Fatalf("content differs from the library's")
		}
	})
}

func BenchmarkReader(b *testing.B) {
	data := letters(4 << 20)
	coded := packed(b, flate.DefaultCompression, data, 100)
	for _, w := range []struct {
		name string
		open func() io.Reader
	}{
		{"ours", func() io.Reader { return NewReader(bytes.NewReader(coded), 1<<30) }},
		{"library", func() io.Reader { return flate.NewReader(bytes.NewReader(coded)) }},
	} {
		b.Run(w.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if n, err := io.Copy(io.Discard, w.open()); err != nil || n != int64(len(data)) {
					b.Fatal(n, err)
				}
			}
		})
	}
}
