package ftplab

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	labtest "github.com/netclients/netclients/protocols/lab/internal/kit"
)

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
	return labtest.ReadUntilEnd(conn)
}

// TestFaultCutProgress downloads through cuts with REST until all is there.
func TestFaultCutProgress(t *testing.T) {
	for spec, ok := range map[string]func(error) bool{
		"data.cut=100k":   isReset,
		"data.close=100k": func(err error) bool { return err == nil },
	} {
		s := labtest.Start(t, Start, faulty(t, spec))
		want := labtest.Pattern(9, 350<<10)
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
		labtest.Equal(t, spec, got == want, true)
		labtest.Equal(t, spec+" rounds", rounds, 4)
	}
}

// TestFaultCutUpload cuts an upload; what arrived is in the file.
func TestFaultCutUpload(t *testing.T) {
	s := labtest.Start(t, Start, faulty(t, "data.cut=100k*1"))
	c := loginFTP(t, s.Addr())
	data := labtest.Pattern(2, 300<<10)
	labtest.Equal(t, "cut", c.put(data, "STOR /incoming/f"), 426)
	got := file(t, s, "/incoming/f")
	labtest.Equal(t, "kept", len(got), 100<<10)
	c.cmd(350, "REST %d", len(got))
	labtest.Equal(t, "resumed", c.put(data[len(got):], "STOR /incoming/f"), 226)
	labtest.Equal(t, "whole", file(t, s, "/incoming/f") == data, true)
}

// TestFaultCutControl ends the dialogue at every byte of the greeting, and
// resets it in the middle of a later reply.
func TestFaultCutControl(t *testing.T) {
	whole := "220 hi\r\n"
	for n := range len(whole) {
		o := faulty(t, "ctl.close="+strconv.Itoa(n))
		o.Greeting = "hi"
		text, err := listen(labtest.Start(t, Start, o).Addr())
		if text != whole[:n] || err != nil {
			t.Errorf("closed at %d: %q, %v", n, text, err)
		}
	}
	o := faulty(t, "ctl.cut=12")
	o.Greeting = "hi"
	c := dialFTP(t, labtest.Start(t, Start, o).Addr())
	c.expect(220)
	c.PrintfLine("SYST")
	if text, err := labtest.ReadUntilEnd(c.R); text != "215 " || !isReset(err) {
		t.Errorf("cut: %q, %v", text, err)
	}
}

func TestFaultTruncate(t *testing.T) {
	s := labtest.Start(t, Start, faulty(t, "truncate=30"))
	c := loginFTP(t, s.Addr())
	labtest.Equal(t, "RETR", c.get("RETR README.txt"), file(t, s, "/README.txt")[:30])
	labtest.Equal(t, "LIST", len(c.get("LIST")), 30)
	c.cmd(200, "TYPE A")
	labtest.Equal(t, "ASCII", len(c.get("RETR README.txt")), 30)
	c.cmd(200, "TYPE I")
	labtest.Equal(t, "STOR", c.put(labtest.Pattern(1, 1000), "STOR /incoming/f"), 226)
	labtest.Equal(t, "kept", len(file(t, s, "/incoming/f")), 30)
}

func TestFaultSplit(t *testing.T) {
	s := labtest.Start(t, Start, faulty(t, "split=1"))
	c := loginFTP(t, s.Addr())
	labtest.Equal(t, "RETR", c.get("RETR README.txt"), file(t, s, "/README.txt"))
	labtest.Equal(t, "STOR", c.put("some text", "STOR /incoming/f"), 226)
	labtest.Equal(t, "stored", file(t, s, "/incoming/f"), "some text")
}

// TestFaultTiming checks that the faults that take time take at least theirs.
func TestFaultTiming(t *testing.T) {
	for spec, least := range map[string]time.Duration{
		"data.stall=10:120ms": 120 * time.Millisecond,
		"data.slow=500":       120 * time.Millisecond,
		"data.delay=120ms":    120 * time.Millisecond,
		"delay=30ms":          120 * time.Millisecond,
	} {
		c := loginFTP(t, labtest.Start(t, Start, faulty(t, spec)).Addr())
		begin := time.Now()
		c.get("RETR README.txt")
		c.cmd(200, "NOOP")
		if took := time.Since(begin); took < least {
			t.Errorf("%s: took only %v", spec, took)
		}
	}
}

func TestFaultCode(t *testing.T) {
	c := loginFTP(t, labtest.Start(t, Start, faulty(t, "code:RETR=425 busy*2,code:end=451 late*1,code:mkd=257 done")).Addr())
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
	labtest.Equal(t, "any command", dialFTP(t, labtest.Start(t, Start, faulty(t, "code:*=500 never")).Addr()).expect(220) != "", true)
}

func TestFaultGreeting(t *testing.T) {
	c := dialFTP(t, labtest.Start(t, Start, faulty(t, "code:greeting=421 closed for lunch")).Addr())
	c.expect(421)
	for _, spec := range []string{"drop:greeting", "drop:pass"} {
		c := dialFTP(t, labtest.Start(t, Start, faulty(t, spec)).Addr())
		io.WriteString(c.raw, "USER alice\r\nPASS secret\r\n")
		text, err := labtest.ReadUntilEnd(c.raw)
		if strings.Contains(text, "230") || err != nil {
			t.Errorf("%s: %q, %v", spec, text, err)
		}
	}
	for _, spec := range []string{"reset:greeting", "refuse"} {
		if _, err := listen(labtest.Start(t, Start, faulty(t, spec)).Addr()); !isReset(err) {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

func TestFaultRefuseTimes(t *testing.T) {
	s := labtest.Start(t, Start, faulty(t, "refuse*2"))
	for range 2 {
		if _, err := listen(s.Addr()); !isReset(err) {
			t.Error(err)
		}
	}
	loginFTP(t, s.Addr())
}

func TestFaultGarbage(t *testing.T) {
	c := loginFTP(t, labtest.Start(t, Start, faulty(t, "garbage:SYST*1")).Addr())
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
		c := loginFTP(t, labtest.Start(t, Start, faulty(t, spec)).Addr())
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
		o.TLS = base.TLSExplicit
		s := labtest.Start(t, Start, o)
		c := dialFTP(t, s.Addr())
		io.WriteString(c.raw, "AUTH TLS\r\n")
		switch spec {
		case "hang:end", "hang:USER":
			c = dialFTP(t, s.Addr())
			io.WriteString(c.raw, "USER anonymous\r\nPASS x\r\nEPRT |1|127.0.0.1|9999|\r\nRETR README.txt\r\n")
		}
		c.raw.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		text, err := labtest.ReadUntilEnd(c.raw)
		if n, ok := errors.AsType[net.Error](err); !ok || !n.Timeout() {
			t.Errorf("%s: %q, %v", spec, text, err)
		}
		s.Close()
	}
	labtest.NoServerGoroutines(t)
}

func TestFaultInject(t *testing.T) {
	o := faulty(t, `inject:AUTH=230 trust me`)
	o.TLS = base.TLSExplicit
	c := dialFTP(t, labtest.Start(t, Start, o).Addr())
	c.expect(220)
	c.cmd(234, "AUTH TLS")
	labtest.Equal(t, "injected", c.expect(230), "trust me")
}
