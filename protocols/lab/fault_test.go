package lab

import (
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestParseFaults(t *testing.T) {
	got, err := ParseFaults(`cut=5M, data.stall=1M:10s,slow=64k,ctl.split=1,truncate=100,delay=50ms,code:retr=550 no\, really*2,` +
		`garbage:LIST,refuse*3,hang:greeting,drop:PASS,endless:*,multiline:SIZE=213,inject:AUTH=a\r\nb\*\e,max=2,close=0,reset:end`)
	if err != nil {
		t.Fatal(err)
	}
	want := Faults{
		{Kind: FaultCut, Bytes: 5 << 20},
		{Kind: FaultStall, Scope: ScopeData, Bytes: 1 << 20, Duration: 10 * time.Second},
		{Kind: FaultSlow, Bytes: 64 << 10},
		{Kind: FaultSplit, Scope: ScopeControl, Bytes: 1},
		{Kind: FaultTruncate, Bytes: 100},
		{Kind: FaultDelay, Duration: 50 * time.Millisecond},
		{Kind: FaultCode, Verb: "RETR", Text: "550 no, really", Times: 2},
		{Kind: FaultGarbage, Verb: "LIST"},
		{Kind: FaultRefuse, Times: 3},
		{Kind: FaultHang, Verb: PointGreeting},
		{Kind: FaultDrop, Verb: "PASS"},
		{Kind: FaultEndless, Verb: "*"},
		{Kind: FaultMultiline, Verb: "SIZE", Text: "213"},
		{Kind: FaultInject, Verb: "AUTH", Text: "a\r\nb*\x1b"},
		{Kind: FaultMax, Bytes: 2},
		{Kind: FaultClose},
		{Kind: FaultReset, Verb: PointEnd},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got, err := ParseFaults("  "); got != nil || err != nil {
		t.Errorf("empty: %v, %v", got, err)
	}
}

func TestParseFaultsRefuses(t *testing.T) {
	for _, spec := range []string{
		"nonsense", "cut", "cut=", "cut=x", "cut=-1", "cut=5T", "cut=9999999999G", "stall=5", "stall=5:x", "slow=0", "split=0",
		"delay=-1s", "code:RETR", "code=550 x", "cut:RETR=5", "garbage", "refuse=1", "up.cut=5", "refuse*0", "refuse*x",
		`code:A=x\`, `code:A=\q`, "cut=1,,cut=2", "hang:NOOP=1", "max=0",
	} {
		if f, err := ParseFaults(spec); err == nil {
			t.Errorf("%q was taken: %+v", spec, f)
		}
	}
}

func FuzzParseFaults(f *testing.F) {
	f.Add(`cut=5M,data.stall=1M:10s,code:RETR=550 no\, really*2,endless:*`)
	f.Add(`inject:AUTH=a\r\nb\*,refuse*3,max=2`)
	f.Fuzz(func(t *testing.T, spec string) {
		faults, err := ParseFaults(spec)
		if err != nil && faults != nil {
			t.Error("faults and an error")
		}
		for _, x := range faults {
			if x.Bytes < 0 || x.Duration < 0 || x.Times < 0 || x.Kind == "" {
				t.Errorf("%q: %+v", spec, x)
			}
		}
	})
}

// isReset reports whether err is the RST of a cut.
func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

// listen connects and reads what comes until the end. A very early RST is
// already seen by the connect.
func listen(addr string) (string, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return readLines(conn)
}

// TestFaultCutProgress downloads through cuts with REST until all is there.
func TestFaultCutProgress(t *testing.T) {
	for spec, ok := range map[string]func(error) bool{
		"data.cut=100k":   isReset,
		"data.close=100k": func(err error) bool { return err == nil },
	} {
		s := start(t, faulty(t, spec))
		want := pattern(9, 350<<10)
		s.Tree().WriteFile("/f", []byte(want))
		c := loginFTP(t, s.Addr())
		got, rounds := "", 0
		for ; len(got) < len(want) && rounds < 10; rounds++ {
			c.cmd(350, "REST %d", len(got))
			part, err := c.fetch("RETR /f")
			if code, _, _ := c.ReadResponse(0); len(got)+len(part) < len(want) && (code != 426 || !ok(err)) {
				t.Errorf("%s: %d, %v", spec, code, err)
			}
			got += part
		}
		equal(t, spec, got == want, true)
		equal(t, spec+" rounds", rounds, 4)
	}
}

// TestFaultCutUpload cuts an upload; what arrived is in the file.
func TestFaultCutUpload(t *testing.T) {
	s := start(t, faulty(t, "data.cut=100k*1"))
	c := loginFTP(t, s.Addr())
	data := pattern(2, 300<<10)
	equal(t, "cut", c.put(data, "STOR /incoming/f"), 426)
	got := file(t, s, "/incoming/f")
	equal(t, "kept", len(got), 100<<10)
	c.cmd(350, "REST %d", len(got))
	equal(t, "resumed", c.put(data[len(got):], "STOR /incoming/f"), 226)
	equal(t, "whole", file(t, s, "/incoming/f") == data, true)
}

// TestFaultCutControl ends the dialogue at every byte of the greeting, and
// resets it in the middle of a later reply.
func TestFaultCutControl(t *testing.T) {
	whole := "220 hi\r\n"
	for n := range len(whole) {
		o := faulty(t, "ctl.close="+itoa(n))
		o.Greeting = "hi"
		text, err := listen(start(t, o).Addr())
		if text != whole[:n] || err != nil {
			t.Errorf("closed at %d: %q, %v", n, text, err)
		}
	}
	o := faulty(t, "ctl.cut=12")
	o.Greeting = "hi"
	c := dialFTP(t, start(t, o).Addr())
	c.expect(220)
	c.PrintfLine("SYST")
	if text, err := readLines(c.R); text != "215 " || !isReset(err) {
		t.Errorf("cut: %q, %v", text, err)
	}
}

func TestFaultTruncate(t *testing.T) {
	s := start(t, faulty(t, "truncate=30"))
	c := loginFTP(t, s.Addr())
	equal(t, "RETR", c.get("RETR README.txt"), file(t, s, "/README.txt")[:30])
	equal(t, "LIST", len(c.get("LIST")), 30)
	c.cmd(200, "TYPE A")
	equal(t, "ASCII", len(c.get("RETR README.txt")), 30)
	c.cmd(200, "TYPE I")
	equal(t, "STOR", c.put(pattern(1, 1000), "STOR /incoming/f"), 226)
	equal(t, "kept", len(file(t, s, "/incoming/f")), 30)
}

func TestFaultSplit(t *testing.T) {
	s := start(t, faulty(t, "split=1"))
	c := loginFTP(t, s.Addr())
	equal(t, "RETR", c.get("RETR README.txt"), file(t, s, "/README.txt"))
	equal(t, "STOR", c.put("some text", "STOR /incoming/f"), 226)
	equal(t, "stored", file(t, s, "/incoming/f"), "some text")
}

// TestFaultTiming checks that the faults that take time take at least theirs.
func TestFaultTiming(t *testing.T) {
	for spec, least := range map[string]time.Duration{
		"data.stall=10:120ms": 120 * time.Millisecond,
		"data.slow=500":       120 * time.Millisecond,
		"data.delay=120ms":    120 * time.Millisecond,
		"delay=30ms":          120 * time.Millisecond,
	} {
		c := loginFTP(t, start(t, faulty(t, spec)).Addr())
		begin := time.Now()
		c.get("RETR README.txt")
		c.cmd(200, "NOOP")
		if took := time.Since(begin); took < least {
			t.Errorf("%s: took only %v", spec, took)
		}
	}
}

func TestFaultCode(t *testing.T) {
	c := loginFTP(t, start(t, faulty(t, "code:RETR=425 busy*2,code:end=451 late*1,code:mkd=257 done")).Addr())
	for range 2 {
		conn := c.open()
		c.cmd(425, "RETR README.txt")
		conn.Close()
	}
	if _, err := c.fetch("RETR README.txt"); err != nil {
		t.Error(err)
	}
	c.expect(451)
	c.get("RETR README.txt")
	c.cmd(257, "MKD /x")
	c.cmd(550, "CWD /x")
	equal(t, "any command", dialFTP(t, start(t, faulty(t, "code:*=500 never")).Addr()).expect(220) != "", true)
}

func TestFaultGreeting(t *testing.T) {
	c := dialFTP(t, start(t, faulty(t, "code:greeting=421 closed for lunch")).Addr())
	c.expect(421)
	for _, spec := range []string{"drop:greeting", "drop:pass"} {
		c := dialFTP(t, start(t, faulty(t, spec)).Addr())
		io.WriteString(c.raw, "USER alice\r\nPASS secret\r\n")
		text, err := readLines(c.raw)
		if strings.Contains(text, "230") || err != nil {
			t.Errorf("%s: %q, %v", spec, text, err)
		}
	}
	for _, spec := range []string{"reset:greeting", "refuse"} {
		if _, err := listen(start(t, faulty(t, spec)).Addr()); !isReset(err) {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

func TestFaultRefuseTimes(t *testing.T) {
	s := start(t, faulty(t, "refuse*2"))
	for range 2 {
		if _, err := listen(s.Addr()); !isReset(err) {
			t.Error(err)
		}
	}
	loginFTP(t, s.Addr())
}

func TestFaultGarbage(t *testing.T) {
	c := loginFTP(t, start(t, faulty(t, "garbage:SYST*1")).Addr())
	c.PrintfLine("SYST")
	p := make([]byte, 512)
	if _, err := io.ReadFull(c.R, p); err != nil || p[0] != 0xff {
		t.Errorf("%x, %v", p, err)
	}
	c.cmd(215, "SYST")
}

// TestFaultEndless counts what comes and checks that no reply ever ends.
func TestFaultEndless(t *testing.T) {
	for spec, end := range map[string]string{"endless:SYST=215 x": "\n", "multiline:SYST=215": "\n215 "} {
		c := loginFTP(t, start(t, faulty(t, spec)).Addr())
		c.PrintfLine("SYST")
		p := make([]byte, 4<<20)
		if _, err := io.ReadFull(c.R, p); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
		if !strings.HasPrefix(string(p), "215") || strings.Contains(string(p), end) {
			t.Errorf("%s ends", spec)
		}
	}
}

func TestFaultHang(t *testing.T) {
	for _, spec := range []string{"hang:greeting", "hang:USER", "hang:AUTH", "hang:tls", "hang:end"} {
		o := faulty(t, spec)
		o.TLS = TLSExplicit
		s := start(t, o)
		c := dialFTP(t, s.Addr())
		io.WriteString(c.raw, "AUTH TLS\r\n")
		switch spec {
		case "hang:end", "hang:USER":
			c = dialFTP(t, s.Addr())
			io.WriteString(c.raw, "USER anonymous\r\nPASS x\r\nEPRT |1|127.0.0.1|9999|\r\nRETR README.txt\r\n")
		}
		c.raw.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		text, err := readLines(c.raw)
		if n, ok := errors.AsType[net.Error](err); !ok || !n.Timeout() {
			t.Errorf("%s: %q, %v", spec, text, err)
		}
		s.Close()
	}
	if left := labGoroutines(); len(left) > 0 {
		t.Errorf("goroutines left:\n%s", strings.Join(left, "\n\n"))
	}
}

func TestFaultInject(t *testing.T) {
	o := faulty(t, `inject:AUTH=230 trust me`)
	o.TLS = TLSExplicit
	c := dialFTP(t, start(t, o).Addr())
	c.expect(220)
	c.cmd(234, "AUTH TLS")
	equal(t, "injected", c.expect(230), "trust me")
}
