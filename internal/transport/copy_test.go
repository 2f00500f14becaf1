package transport

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/netclients/netclients/protocols"
)

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

func newFile(t testing.TB) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func fileOf(t testing.TB, data []byte) *os.File {
	t.Helper()
	f := newFile(t)
	f.Write(data)
	f.Seek(0, io.SeekStart)
	return f
}

func sameAsFile(t *testing.T, f *os.File, want []byte) {
	t.Helper()
	got, err := os.ReadFile(f.Name())
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("file has %d bytes, want %d; same %v, %v", len(got), len(want), bytes.Equal(got, want), err)
	}
}

// The sender's pauses are shorter than the idle timeout and longer than the
// intervals at which the copy checks progress; the whole copy takes longer than
// the idle timeout.
func TestWriteToSlowSender(t *testing.T) {
	data := randomBytes(6<<20 + 123)
	host, port := serve(t, func(c net.Conn) {
		for i, rest := 0, data; len(rest) > 0; i++ {
			n := min(len(rest), 1+i*i*i*400)
			c.Write(rest[:n])
			rest = rest[n:]
			time.Sleep(60 * time.Millisecond)
		}
	})
	var stats protocols.Stats
	c := connect(t, dialer(&protocols.Options{IdleTimeout: 200 * time.Millisecond, Stats: &stats}), host, port)
	f := newFile(t)
	start := time.Now()
	n, err := c.WriteTo(f)
	if n != int64(len(data)) || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if d := time.Since(start); d < 400*time.Millisecond {
		t.Errorf("took %v, less than the idle timeout: the test proves nothing", d)
	}
	sameAsFile(t, f, data)
	if stats.Read.Load() != n {
		t.Errorf("counted %d", stats.Read.Load())
	}
}

func TestWriteToStall(t *testing.T) {
	data := randomBytes(100_000)
	stall := make(chan struct{})
	host, port := serve(t, func(c net.Conn) { c.Write(data); <-stall })
	defer close(stall)
	c := connect(t, dialer(&protocols.Options{IdleTimeout: 100 * time.Millisecond}), host, port)
	f := newFile(t)
	start := time.Now()
	n, err := c.WriteTo(f)
	e := wantKind(t, err, protocols.KindTimeout)
	if n != int64(len(data)) || e.Message() != "timed out after 100ms without data" || !e.Retryable || !c.Broken() {
		t.Errorf("%d, %q, retryable %v", n, e.Message(), e.Retryable)
	}
	if d := time.Since(start); d < 100*time.Millisecond {
		t.Errorf("gave up after %v", d)
	}
	sameAsFile(t, f, data)
}

func TestWriteToCancelled(t *testing.T) {
	data := randomBytes(5_000_000)
	stall := make(chan struct{})
	sent := make(chan struct{})
	host, port := serve(t, func(c net.Conn) { c.Write(data); close(sent); <-stall })
	defer close(stall)
	c := connect(t, dialer(nil), host, port)
	ctx, cancel := context.WithCancel(t.Context())
	defer c.Use(ctx)()
	go func() { <-sent; cancel() }()
	_, err := c.WriteTo(newFile(t))
	wantKind(t, err, protocols.KindInterrupted)
}

func TestWriteToN(t *testing.T) {
	data := randomBytes(9 << 20)
	host, port := serve(t, func(c net.Conn) { c.Write(data) })
	for _, o := range []*protocols.Options{nil, {Limiter: NewLimiter(1 << 40)}} {
		c := connect(t, dialer(o), host, port)
		f := newFile(t)
		for _, want := range []int64{0, 1, 5 << 20, 100} {
			if n, err := c.WriteToN(f, want); n != want || err != nil {
				t.Errorf("%d, %v, want %d", n, err, want)
			}
		}
		if n, err := c.WriteToN(f, 1<<40); n != 4<<20-101 || err != nil {
			t.Errorf("rest: %d, %v", n, err)
		}
		sameAsFile(t, f, data)
	}
}

// recorder records what the fast path passes to a destination.
type recorder struct{ from []io.Reader }

func (r *recorder) Write(p []byte) (int, error) { return len(p), nil }

func (r *recorder) ReadFrom(from io.Reader) (int64, error) {
	r.from = append(r.from, from)
	return io.Copy(struct{ io.Writer }{io.Discard}, from)
}

// The standard library splices only if the file's ReadFrom gets the bare TCP
// connection, inside nothing but an io.LimitedReader.
func TestWriteToKeepsTheFastPath(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("splice exists only on Linux")
	}
	host, port := serve(t, func(c net.Conn) { c.Write(make([]byte, 5<<20)) })
	c := connect(t, dialer(nil), host, port)
	var r recorder
	if n, err := c.WriteTo(&r); n != 5<<20 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	for _, from := range r.from {
		l, ok := from.(*io.LimitedReader)
		if !ok {
			t.Fatalf("destination got a %T", from)
		}
		if _, ok := l.R.(*net.TCPConn); !ok {
			t.Fatalf("destination got a %T inside", l.R)
		}
	}
	if len(r.from) < 2 {
		t.Errorf("%d pieces", len(r.from))
	}
}

// A plain io.Copy must not reach the socket below TLS and counters.
func TestSyscallConnHidesTheFastPath(t *testing.T) {
	host, port := serve(t, func(c net.Conn) { io.WriteString(c, "hello") })
	var stats protocols.Stats
	c := connect(t, dialer(&protocols.Options{Stats: &stats}), host, port)
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := raw.(interface{ Network() string }); ok {
		t.Error("the bare socket is visible")
	}
	if err := raw.Control(func(uintptr) {}); err != nil {
		t.Error(err)
	}
	c.QuickAck()
	if n, err := io.CopyN(newFile(t), c, 5); n != 5 || err != nil || stats.Read.Load() != 5 {
		t.Errorf("%d, %v, counted %d", n, err, stats.Read.Load())
	}
}

func TestWriteToTellsFileFromNetwork(t *testing.T) {
	host, port := serve(t, func(c net.Conn) { c.Write(make([]byte, 1<<20)) })
	c := connect(t, dialer(nil), host, port)
	f := newFile(t)
	f.Close()
	_, err := c.WriteTo(f)
	if !errors.Is(err, fs.ErrClosed) || protocols.KindOf(err) != protocols.KindLocal || c.Broken() {
		t.Errorf("closed file: %v, kind %v", err, protocols.KindOf(err))
	}
	c2 := connect(t, dialer(nil), host, port)
	read, err := os.Open(newFile(t).Name())
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	if _, err := c2.WriteTo(read); protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("file for reading: %v", err)
	}
	host, port = serve(t, func(c net.Conn) {
		c.Write(make([]byte, 1000))
		c.Read(make([]byte, 1))
		c.(*net.TCPConn).SetLinger(0)
	})
	c3 := connect(t, dialer(nil), host, port)
	io.ReadFull(c3, make([]byte, 500))
	io.WriteString(c3, "x")
	_, err = c3.WriteTo(newFile(t))
	if e := wantKind(t, err, protocols.KindConnect); !e.Retryable {
		t.Errorf("reset: %v", err)
	}
}

// digest serves connections that reply with the hash of everything they received.
func digest(t testing.TB, pause time.Duration) (host, port string, sums chan [32]byte) {
	sums = make(chan [32]byte, 1)
	host, port = serve(t, func(c net.Conn) {
		c.(*net.TCPConn).SetReadBuffer(64 << 10)
		h := sha256.New()
		for buf := make([]byte, 512<<10); ; {
			n, err := io.ReadFull(c, buf)
			h.Write(buf[:n])
			if err != nil {
				break
			}
			time.Sleep(pause)
		}
		sums <- [32]byte(h.Sum(nil))
	})
	return host, port, sums
}

func TestReadFrom(t *testing.T) {
	data := randomBytes(9<<20 + 77)
	pipe := func(t *testing.T) io.Reader {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		go func() { w.Write(data); w.Close() }()
		t.Cleanup(func() { r.Close() })
		return r
	}
	sources := map[string]func(t *testing.T) io.Reader{
		"file": func(t *testing.T) io.Reader { return fileOf(t, data) },
		"limited": func(t *testing.T) io.Reader {
			return io.LimitReader(fileOf(t, append(bytes.Clone(data), "more"...)), int64(len(data)))
		},
		"memory": func(t *testing.T) io.Reader { return bytes.NewReader(data) },
		"pipe":   pipe,
		"odd":    func(t *testing.T) io.Reader { return iotest.DataErrReader(iotest.HalfReader(bytes.NewReader(data))) },
	}
	options := map[string]*protocols.Options{
		"plain": {}, "limiter": {Limiter: NewLimiter(1 << 40)},
		"ticks": {IdleTimeout: 600 * time.Millisecond}, // many deadlines during the copy
	}
	for oname, o := range options {
		for name, source := range sources {
			t.Run(oname+" "+name, func(t *testing.T) {
				pause := time.Duration(0)
				if oname == "ticks" {
					pause = 40 * time.Millisecond
				}
				host, port, sums := digest(t, pause)
				c := connect(t, dialer(o), host, port)
				n, err := c.ReadFrom(source(t))
				if n != int64(len(data)) || err != nil {
					t.Fatalf("%d, %v", n, err)
				}
				if err := c.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				if sum := <-sums; sum != sha256.Sum256(data) {
					t.Error("received bytes differ from those sent")
				}
			})
		}
	}
}

func TestReadFromLeavesTheLimitRight(t *testing.T) {
	host, port, sums := digest(t, 0)
	c := connect(t, dialer(nil), host, port)
	f := fileOf(t, []byte("0123456789"))
	f.Seek(2, io.SeekStart)
	l := &io.LimitedReader{R: f, N: 5}
	if n, err := c.ReadFrom(l); n != 5 || err != nil || l.N != 0 {
		t.Errorf("%d, %v, left %d", n, err, l.N)
	}
	rest, _ := io.ReadAll(f)
	c.CloseWrite()
	if string(rest) != "789" || <-sums != sha256.Sum256([]byte("23456")) {
		t.Errorf("file offset is before %q", rest)
	}
}

func TestReadFromStall(t *testing.T) {
	stall := make(chan struct{})
	host, port := serve(t, func(c net.Conn) { <-stall })
	defer close(stall)
	c := connect(t, dialer(&protocols.Options{IdleTimeout: 100 * time.Millisecond}), host, port)
	_, err := c.ReadFrom(fileOf(t, make([]byte, 64<<20)))
	if e := wantKind(t, err, protocols.KindTimeout); !strings.Contains(e.Error(), "timed out after 100ms without data") {
		t.Errorf("%v", err)
	}
}

func TestReadFromGivesTheSourcesError(t *testing.T) {
	host, port, _ := digest(t, 0)
	c := connect(t, dialer(nil), host, port)
	mine := errors.New("my disk")
	n, err := c.ReadFrom(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(mine)))
	if n != 3 || err != mine || c.Broken() {
		t.Errorf("%d, %v", n, err)
	}
}

// Copies from one connection to another lose nothing, whichever side blocks.
func TestCopyBetweenConns(t *testing.T) {
	data := randomBytes(3 << 20)
	host, port := serve(t, func(c net.Conn) {
		for rest := data; len(rest) > 0; rest = rest[min(len(rest), 700_000):] {
			c.Write(rest[:min(len(rest), 700_000)])
			time.Sleep(20 * time.Millisecond)
		}
	})
	sinkHost, sinkPort, sums := digest(t, 15*time.Millisecond)
	o := &protocols.Options{IdleTimeout: 100 * time.Millisecond}
	from, to := connect(t, dialer(o), host, port), connect(t, dialer(o), sinkHost, sinkPort)
	if n, err := io.Copy(to, from); n != int64(len(data)) || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	to.CloseWrite()
	if <-sums != sha256.Sum256(data) {
		t.Error("received bytes differ from those sent")
	}
}

// source serves successive loopback connections of n bytes each.
func source(b *testing.B, n int) (host, port string) {
	block := make([]byte, 1<<20)
	return serve(b, func(c net.Conn) {
		for left := n; left > 0; left -= len(block) {
			if _, err := c.Write(block); err != nil {
				return
			}
		}
	})
}

// ramFile creates a file in memory if the system has such a folder.
func ramFile(b *testing.B) *os.File {
	dir := "/dev/shm"
	if _, err := os.Stat(dir); err != nil {
		dir = b.TempDir()
	}
	f, err := os.CreateTemp(dir, "transport")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close(); os.Remove(f.Name()) })
	return f
}

func benchmarkDownload(b *testing.B, fetch func(*os.File, string, string) (int64, error)) {
	const size = 256 << 20
	host, port := source(b, size)
	f := ramFile(b)
	b.SetBytes(size)
	for b.Loop() {
		f.Seek(0, io.SeekStart)
		if n, err := fetch(f, host, port); n != size || err != nil {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkWriteToFile(b *testing.B) {
	benchmarkDownload(b, func(f *os.File, host, port string) (int64, error) {
		c, err := dialer(nil).Dial(context.Background(), "data", "tcp", host, port)
		if err != nil {
			return 0, err
		}
		defer c.Close()
		return c.WriteTo(f)
	})
}

func BenchmarkWriteToFileBareSocket(b *testing.B) {
	benchmarkDownload(b, func(f *os.File, host, port string) (int64, error) {
		c, err := net.Dial("tcp", net.JoinHostPort(host, port))
		if err != nil {
			return 0, err
		}
		defer c.Close()
		return io.Copy(f, c)
	})
}

// TestThroughMemory: what is copied arrives whole, whatever its size, and a small copy does
// not take the buffer of a large one.
func TestThroughMemory(t *testing.T) {
	for _, size := range []int{0, 1, firstSize - 1, firstSize, firstSize + 1, bufferSize, 3*bufferSize + 7} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			data := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
			var before, after runtime.MemStats
			var out bytes.Buffer
			out.Grow(size)
			in := iotest.DataErrReader(bytes.NewReader(data))
			runtime.ReadMemStats(&before)
			n, err := throughMemory(&out, in, bufferSize)
			runtime.ReadMemStats(&after)
			if n != int64(size) || err != nil || !bytes.Equal(out.Bytes(), data) {
				t.Errorf("%d bytes, %v", n, err)
			}
			if took := after.TotalAlloc - before.TotalAlloc; size < firstSize && took > bufferSize/2 {
				t.Errorf("%d bytes allocated", took)
			}
		})
	}
	lost := errors.New("lost")
	if n, err := throughMemory(io.Discard, io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(lost)), 10); n != 3 || err != lost {
		t.Errorf("%d, %v", n, err)
	}
}
