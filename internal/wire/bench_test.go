package wire

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
)

// corpora are bodies of 1 MiB, ending in CRLF.
func corpora() map[string][]byte {
	rnd := rand.New(rand.NewPCG(7, 8))
	return map[string][]byte{
		"mail":   mailText(rnd, "\r\n"),
		"mailLF": mailText(rnd, "\n"),
		"binary": binaryData(rnd),
	}
}

// mailText is lines of 76 columns, about one in 200 of which starts with a dot.
func mailText(rnd *rand.Rand, end string) []byte {
	var b bytes.Buffer
	for b.Len() < 1<<20 {
		line := bytes.Repeat([]byte("Lorem ipsum. "), 6)[:76]
		if rnd.IntN(200) == 0 {
			line[0] = '.'
		}
		b.Write(line)
		b.WriteString(end)
	}
	return b.Bytes()
}

func binaryData(rnd *rand.Rand) []byte {
	b := make([]byte, 1<<20)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	copy(b[len(b)-2:], "\r\n")
	return b
}

func BenchmarkDotWriter(b *testing.B) {
	for name, body := range corpora() {
		for mode, ends := range map[string]LineEnds{"exact": Exact, "normalize": Normalize, "refuse": Refuse} {
			if ends == Refuse && name != "mail" {
				continue
			}
			b.Run(name+"/"+mode, func(b *testing.B) {
				d := NewDotWriter(nil, ends)
				out := &discard{}
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					d.Reset(out, ends)
					for rest := body; len(rest) > 0; rest = rest[min(len(rest), 32<<10):] {
						if _, err := d.Write(rest[:min(len(rest), 32<<10)]); err != nil {
							b.Fatal(err)
						}
					}
					if err := d.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkDotReader(b *testing.B) {
	for name, body := range corpora() {
		in := refStuff(body)
		for how, read := range map[string]func(*DotReader, []byte) (int64, error){
			"Read": func(d *DotReader, buf []byte) (int64, error) {
				return io.CopyBuffer(&discard{}, struct{ io.Reader }{d}, buf)
			},
			"WriteTo": func(d *DotReader, _ []byte) (int64, error) { return d.WriteTo(&discard{}) },
		} {
			b.Run(name+"/"+how, func(b *testing.B) {
				src := bytes.NewReader(in)
				lr := NewLineReader(src, 0)
				buf := make([]byte, 32<<10)
				b.SetBytes(int64(len(in)))
				b.ReportAllocs()
				for b.Loop() {
					src.Reset(in)
					if n, err := read(NewDotReader(lr), buf); err != nil || n < int64(len(body)) {
						b.Fatal(n, err)
					}
				}
			})
		}
	}
}

func BenchmarkReadLine(b *testing.B) {
	in := mailText(rand.New(rand.NewPCG(7, 8)), "\r\n")
	src := bytes.NewReader(in)
	lr := NewLineReader(src, 0)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(in)
		for {
			if _, err := lr.ReadLine(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkReadReply(b *testing.B) {
	in := []byte("250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250 HELP\r\n")
	src := bytes.NewReader(in)
	lr := NewLineReader(src, 0)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(in)
		if _, err := ReadReply(lr, SMTP, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
