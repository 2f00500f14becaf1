package ftplab

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	labtest "github.com/netclients/netclients/protocols/lab/internal/kit"
	"github.com/netclients/netclients/protocols/lab/socklab"
)

var _ = []base.Server{(*Server)(nil), (*socklab.Proxy)(nil), (*socklab.SOCKSProxy)(nil), (*socklab.ConnectProxy)(nil)}

func TestFTPLogin(t *testing.T) {
	s := labtest.Start(t, Start, Options{})
	c := dialFTP(t, s.Addr())
	c.expect(220)
	c.cmd(530, "PWD")
	c.cmd(503, "PASS secret")
	c.cmd(331, "USER alice")
	c.cmd(530, "PASS wrong")
	c.login()
	labtest.Equal(t, "PWD", c.cmd(257, "PWD"), `"/" is the current directory`)
	c.cmd(220, "REIN")
	c.cmd(530, "PWD")
	c.cmd(331, "USER anonymous")
	c.cmd(230, "PASS me@")
	c.cmd(550, "MKD x")
	c.cmd(550, "MDTM 20200101000000 README.txt")
	c.cmd(221, "QUIT")
	if _, err := c.ReadLine(); err != io.EOF {
		t.Errorf("after QUIT: %v", err)
	}
	labtest.Equal(t, "logins", s.Logins(), 2)
	if got := s.Commands(); !slices.Contains(got, "PASS wrong") || got[len(got)-1] != "QUIT" {
		t.Errorf("commands: %q", got)
	}
}

func TestFTPLoginFailsThreeTimes(t *testing.T) {
	c := dialFTP(t, labtest.Start(t, Start, Options{NoAnonymous: true}).Addr())
	c.expect(220)
	c.cmd(530, "USER anonymous")
	for range 3 {
		c.cmd(331, "USER alice")
		c.cmd(530, "PASS no")
	}
	if _, err := c.ReadLine(); err != io.EOF {
		t.Errorf("after three wrong passwords: %v", err)
	}
}

func TestFTPAccount(t *testing.T) {
	c := dialFTP(t, labtest.Start(t, Start, Options{Account: "sales"}).Addr())
	c.expect(220)
	c.cmd(331, "USER alice")
	c.cmd(332, "PASS secret")
	c.cmd(530, "PWD")
	c.cmd(230, "ACCT sales")
	c.cmd(257, "PWD")
}

func TestFTPRetrieveAndRestart(t *testing.T) {
	s := labtest.Start(t, Start, Options{})
	want := labtest.Pattern(3, 700_000)
	s.Tree().Virtual("/v.bin", 700_000, base.Pattern(3))
	c := loginFTP(t, s.Addr())
	labtest.Equal(t, "RETR", c.get("RETR /v.bin") == want, true)
	c.cmd(350, "REST 300001")
	labtest.Equal(t, "REST and RETR", c.get("RETR /v.bin") == want[300001:], true)
	labtest.Equal(t, "REST holds once", c.get("RETR /v.bin") == want, true)
	c.cmd(350, "REST 700001")
	c.cmd(229, "EPSV")
	c.cmd(554, "RETR /v.bin")
	c.cmd(550, "RETR /pub")
	c.cmd(550, "RETR /missing")
	c.cmd(350, "REST 5")
	c.cmd(200, "TYPE I")
	labtest.Equal(t, "all bytes", len(c.get("RETR /pub/all-bytes.bin")), 251)
	labtest.Equal(t, "data connections", s.DataConnections(), 4)
}

func TestFTPStore(t *testing.T) {
	s := labtest.Start(t, Start, Options{})
	c := loginFTP(t, s.Addr())
	data := labtest.Pattern(4, 3<<20+17)
	labtest.Equal(t, "STOR", c.put(data, "STOR /incoming/a"), 226)
	labtest.Equal(t, "stored", file(t, s, "/incoming/a") == data, true)
	labtest.Equal(t, "STOR shorter", c.put("short", "STOR /incoming/a"), 226)
	labtest.Equal(t, "replaced", file(t, s, "/incoming/a"), "short")
	labtest.Equal(t, "APPE", c.put(" and more", "APPE /incoming/a"), 226)
	labtest.Equal(t, "appended", file(t, s, "/incoming/a"), "short and more")
	c.cmd(350, "REST 6")
	labtest.Equal(t, "REST STOR", c.put("or", "STOR /incoming/a"), 226)
	labtest.Equal(t, "patched", file(t, s, "/incoming/a"), "short ord more")
	labtest.Equal(t, "APPE new", c.put("x", "APPE /incoming/b"), 226)
	c.cmd(229, "EPSV")
	c.cmd(553, "STOR /missing/folder/x")
	c.cmd(553, "STOR /pub")
	c.get("RETR README.txt")
}

func TestFTPStoreUnique(t *testing.T) {
	s := labtest.Start(t, Start, Options{})
	c := loginFTP(t, s.Addr())
	c.cmd(250, "CWD /incoming")
	for _, name := range []string{"upload", "upload.1"} {
		conn := c.open()
		labtest.Equal(t, "STOU", c.cmd(150, "STOU"), "FILE: "+name)
		io.WriteString(conn, name)
		conn.Close()
		c.expect(226)
		labtest.Equal(t, name, file(t, s, "/incoming/"+name), name)
	}
}

func TestFTPASCII(t *testing.T) {
	s := labtest.Start(t, Start, Options{})
	s.Tree().WriteFile("/t", []byte("one\ntwo\r\nthree\n"))
	c := loginFTP(t, s.Addr())
	c.cmd(200, "TYPE A")
	labtest.Equal(t, "down", c.get("RETR /t"), "one\r\ntwo\r\nthree\r\n")
	c.cmd(350, "REST 5")
	labtest.Equal(t, "down from 5", c.get("RETR /t"), "two\r\nthree\r\n")
	labtest.Equal(t, "up", c.put("a\r\nb\rc\r\n\r", "STOR /u"), 226)
	labtest.Equal(t, "stored", file(t, s, "/u"), "a\nb\rc\n\r")
	c.cmd(550, "SIZE /t")
	c.cmd(504, "TYPE E")
	c.cmd(504, "MODE B")
	c.cmd(504, "STRU R")
}

func TestFTPActive(t *testing.T) {
	s := labtest.Start(t, Start, Options{})
	c := loginFTP(t, s.Addr())
	ln, port, n := listenLocal(t, "127.0.0.1")
	for _, cmd := range []string{"PORT " + port, fmt.Sprintf("EPRT |1|127.0.0.1|%d|", n)} {
		c.cmd(200, "%s", cmd)
		c.cmd(150, "RETR README.txt")
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		text, _ := labtest.ReadUntilEnd(conn)
		conn.Close()
		c.expect(226)
		labtest.Equal(t, cmd, text, file(t, s, "/README.txt"))
	}
	c.cmd(500, "PORT 127,0,0,2,100,100")
	c.cmd(500, "PORT 127,0,0,1,0,25")
	c.cmd(501, "PORT 1,2,3")
	c.cmd(501, "PORT 127,0,0,1,256,1")
	c.cmd(522, "EPRT |3|127.0.0.1|5000|")
	c.cmd(501, "EPRT |2|127.0.0.1|5000|")
	ln.Close()
	c.cmd(200, "PORT %s", port)
	c.cmd(150, "RETR README.txt")
	c.expect(425)
}

func TestFTPForeignData(t *testing.T) {
	s := labtest.Start(t, Start, Options{Foreign: true})
	c := loginFTP(t, s.Addr())
	ln, port, _ := listenLocal(t, "127.0.0.2")
	c.cmd(200, "PORT %s", port)
	c.cmd(150, "RETR README.txt")
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	text, _ := labtest.ReadUntilEnd(conn)
	conn.Close()
	c.expect(226)
	labtest.Equal(t, "foreign", text, file(t, s, "/README.txt"))
}

func TestFTPPassiveForms(t *testing.T) {
	s := labtest.Start(t, Start, Options{PASVHost: "192.0.2.7"})
	c := loginFTP(t, s.Addr())
	if text := c.cmd(227, "PASV"); !strings.Contains(text, "(192,0,2,7,") {
		t.Errorf("PASV: %s", text)
	}
	c.cmd(522, "EPSV 2")
	c.cmd(229, "EPSV 1")
	c.cmd(200, "EPSV ALL")
	c.cmd(501, "PASV")
	c.cmd(501, "PORT 127,0,0,1,100,100")
	c.cmd(229, "EPSV")
}

func TestFTPPassiveIgnoresStrangers(t *testing.T) {
	s := labtest.Start(t, Start, Options{})
	c := loginFTP(t, s.Addr())
	text := c.cmd(229, "EPSV")
	addr := net.JoinHostPort("127.0.0.1", strings.Trim(text[strings.Index(text, "("):], "(|)"))
	stranger := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	thief, err := stranger.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c.cmd(150, "RETR README.txt")
	got, _ := labtest.ReadUntilEnd(conn)
	c.expect(226)
	stolen, _ := labtest.ReadUntilEnd(thief)
	labtest.Equal(t, "own", got, file(t, s, "/README.txt"))
	labtest.Equal(t, "stolen", stolen, "")
}

func TestFTPIPv6(t *testing.T) {
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6 loopback:", err)
	}
	ln.Close()
	s := labtest.Start(t, Start, Options{ServerOptions: base.ServerOptions{Addr: "[::1]:0"}})
	c := loginFTP(t, s.Addr())
	c.cmd(425, "PASV")
	c.cmd(522, "EPSV 1")
	labtest.Equal(t, "RETR", c.get("RETR README.txt"), file(t, s, "/README.txt"))
}

func TestFTPNames(t *testing.T) {
	s := labtest.Start(t, Start, Options{})
	c := loginFTP(t, s.Addr())
	labtest.Equal(t, "MKD", c.cmd(257, `MKD /incoming/say "hi"`), `"/incoming/say ""hi""" created`)
	c.cmd(550, `MKD /incoming/say "hi"`)
	c.cmd(250, `CWD /incoming/say "hi"`)
	labtest.Equal(t, "STOR", c.put("x", "STOR a b"), 226)
	c.cmd(350, "RNFR a b")
	c.cmd(250, "RNTO ../c")
	c.cmd(503, "RNTO d")
	c.cmd(250, "CDUP")
	labtest.Equal(t, "PWD", c.cmd(257, "PWD"), `"/incoming" is the current directory`)
	c.cmd(250, "CWD ../../..")
	labtest.Equal(t, "PWD", c.cmd(257, "PWD"), `"/" is the current directory`)
	c.cmd(250, "DELE /incoming/c")
	c.cmd(550, "DELE /incoming/c")
	c.cmd(550, "DELE /incoming")
	c.cmd(550, "RMD /pub")
	c.cmd(250, `RMD /incoming/say "hi"`)
	c.cmd(550, "CWD README.txt")
	c.cmd(250, "CWD pub/folder-link")
	labtest.Equal(t, "through a link", c.get("RETR one.txt"), "one\n")
	s.Tree().WriteFile("/locked", []byte("x"))
	s.Tree().Chmod("/locked", 0)
	c.cmd(550, "RETR /locked")
	c.cmd(229, "EPSV")
	c.cmd(553, "STOR /locked")
}

func TestFTPSiteAndTimes(t *testing.T) {
	s := labtest.Start(t, Start, Options{})
	c := loginFTP(t, s.Addr())
	labtest.Equal(t, "SIZE", c.cmd(213, "SIZE README.txt"), "71")
	labtest.Equal(t, "MDTM", c.cmd(213, "MDTM README.txt"), "20240229123456")
	c.cmd(213, "MFMT 20010203040506 README.txt")
	labtest.Equal(t, "MFMT", c.cmd(213, "MDTM README.txt"), "20010203040506")
	c.cmd(213, "MDTM 20020203040506 README.txt")
	labtest.Equal(t, "MDTM set", c.cmd(213, "MDTM README.txt"), "20020203040506")
	c.cmd(200, "SITE UTIME 200302030405 README.txt")
	labtest.Equal(t, "UTIME", c.cmd(213, "MDTM README.txt"), "20030203040500")
	c.cmd(200, "SITE UTIME /pub/two words.txt 20040203040506 20050203040506 20060203040506 UTC")
	labtest.Equal(t, "UTIME long", c.cmd(213, "MDTM /pub/two words.txt"), "20050203040506")
	c.cmd(200, "SITE CHMOD 640 README.txt")
	info, _ := s.Tree().Stat("README.txt")
	labtest.Equal(t, "mode", info.Mode.Perm(), 0o640)
	c.cmd(200, "SITE UMASK 077")
	labtest.Equal(t, "STOR", c.put("x", "STOR /incoming/u"), 226)
	info, _ = s.Tree().Stat("/incoming/u")
	labtest.Equal(t, "mode under umask", info.Mode.Perm(), 0o600)
	c.cmd(214, "SITE HELP")
	c.cmd(500, "SITE EXEC ls")
	c.cmd(550, "MFMT 20010203040506 missing")
	c.cmd(501, "MFMT never README.txt")
}

func TestFTPHashes(t *testing.T) {
	s := labtest.Start(t, Start, Options{})
	s.Tree().WriteFile("/a b", []byte("123456789"))
	c := loginFTP(t, s.Addr())
	labtest.Equal(t, "XCRC", c.cmd(250, `XCRC "/a b"`), "CBF43926")
	labtest.Equal(t, "XCRC unquoted", c.cmd(250, `XCRC /a b`), "CBF43926")
	labtest.Equal(t, "XMD5", c.cmd(250, `XMD5 /a b`), "25F9E794323B453885F5181F1B624D0B")
	labtest.Equal(t, "XMD5 of a part", c.cmd(250, `XMD5 "/a b" 0 3`), "202CB962AC59075B964B07152D234B70")
	labtest.Equal(t, "XSHA1", c.cmd(250, `XSHA1 /a b`), "F7C3BC1D808E04732ADF679965CCC34CA7AE3441")
	sum := "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
	labtest.Equal(t, "HASH", c.cmd(213, "HASH /a b"), "SHA-256 0-9 "+sum+" /a b")
	labtest.Equal(t, "XSHA256", c.cmd(250, "XSHA256 /a b"), strings.ToUpper(sum))
	labtest.Equal(t, "OPTS HASH", c.cmd(200, "OPTS HASH CRC32"), "CRC32")
	labtest.Equal(t, "HASH", c.cmd(213, "HASH /a b"), "CRC32 0-9 cbf43926 /a b")
	c.cmd(501, "OPTS HASH ROT13")
	if feat := c.cmd(211, "FEAT"); !strings.Contains(feat, "HASH SHA-256;SHA-1;MD5;CRC32*") {
		t.Errorf("FEAT: %s", feat)
	}
}

func TestFTPSmallCommands(t *testing.T) {
	s := labtest.Start(t, Start, Options{NoMLSD: true, NoEPSV: true, NoREST: true, NoSIZE: true, NoUTF8: true, Disable: []string{"help"}})
	c := loginFTP(t, s.Addr())
	for _, verb := range []string{"MLSD", "MLST", "EPSV", "REST 1", "SIZE README.txt", "HELP", "AUTH TLS", "NONSENSE"} {
		c.cmd(500, "%s", verb)
	}
	feat := c.cmd(211, "FEAT")
	for _, word := range []string{"MLST", "EPSV", "REST", "SIZE", "UTF8", "AUTH"} {
		if strings.Contains(feat, word) {
			t.Errorf("FEAT has %s: %s", word, feat)
		}
	}
	c.cmd(501, "OPTS UTF8 ON")
	c.cmd(200, "NOOP")
	c.cmd(202, "ALLO 5")
	c.cmd(503, "HOST ftp.example")
	c.cmd(200, "LANG en")
	c.cmd(504, "LANG fr")
	c.cmd(501, "CWD")
	c.cmd(225, "ABOR")
	c.cmd(211, "STAT")
	labtest.Equal(t, "STAT path", strings.Contains(c.cmd(213, "STAT /pub"), "all-bytes.bin"), true)
}

// TestFTPAbort stops a download in the middle, once with the Telnet Synch
// that RFC 959 asks for, and the session goes on.
func TestFTPAbort(t *testing.T) {
	s := labtest.Start(t, Start, Options{})
	s.Tree().Virtual("/huge", 10<<30, base.Pattern(1))
	c := loginFTP(t, s.Addr())
	for _, abor := range []string{"ABOR\r\n", "\xff\xf4\xff\xf2ABOR\r\n", "\xff\xf4\xffABOR\r\n"} {
		conn := c.open()
		c.cmd(150, "RETR /huge")
		if _, err := io.ReadFull(conn, make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		c.cmd(211, "STAT")
		io.WriteString(c.raw, abor)
		c.expect(426)
		c.expect(226)
		conn.Close()
	}
	conn := c.open()
	c.cmd(150, "STOR /incoming/part")
	io.WriteString(conn, "part")
	c.cmd(426, "ABOR")
	c.expect(226)
	labtest.Equal(t, "next", c.get("RETR README.txt"), file(t, s, "/README.txt"))
}

func TestFTPAbortBeforeData(t *testing.T) {
	c := loginFTP(t, labtest.Start(t, Start, Options{}).Addr())
	c.cmd(229, "EPSV")
	c.cmd(150, "RETR README.txt")
	c.cmd(426, "ABOR")
	c.expect(226)
	c.cmd(200, "NOOP")
}

func TestFTPDiskFull(t *testing.T) {
	tree := base.NewTree()
	tree.SetCapacity(1000)
	s := labtest.Start(t, Start, Options{Tree: tree})
	c := loginFTP(t, s.Addr())
	labtest.Equal(t, "fits", c.put(labtest.Pattern(1, 900), "STOR a"), 226)
	labtest.Equal(t, "disk full", c.put(labtest.Pattern(1, 300_000), "STOR b"), 452)
	c.cmd(552, "ALLO 200000")
	c.cmd(250, "DELE a")
	labtest.Equal(t, "room again", c.put(labtest.Pattern(1, 900), "STOR c"), 226)
	q := loginFTP(t, labtest.Start(t, Start, Options{Quota: 100}).Addr())
	labtest.Equal(t, "quota", q.put(labtest.Pattern(1, 5000), "STOR b"), 552)
}

func TestFTPMaxClients(t *testing.T) {
	for _, o := range []Options{{ServerOptions: base.ServerOptions{MaxClients: 1}}, faulty(t, "max=1")} {
		s := labtest.Start(t, Start, o)
		first := loginFTP(t, s.Addr())
		second := dialFTP(t, s.Addr())
		second.expect(421)
		if _, err := second.ReadLine(); err != io.EOF {
			t.Errorf("after 421: %v", err)
		}
		first.cmd(200, "NOOP")
		labtest.Equal(t, "connections", s.Connections(), 2)
	}
}

func TestFTPIdle(t *testing.T) {
	c := dialFTP(t, labtest.Start(t, Start, Options{ServerOptions: base.ServerOptions{IdleTimeout: 20 * time.Millisecond}}).Addr())
	c.expect(220)
	c.expect(421)
}

func TestFTPPipelined(t *testing.T) {
	c := loginFTP(t, labtest.Start(t, Start, Options{}).Addr())
	io.WriteString(c.raw, strings.Repeat("NOOP\r\n", 500)+"PWD\r\n")
	for range 500 {
		c.expect(200)
	}
	c.expect(257)
}

// TestFTPCloseLeavesNothing closes servers in every state a session can be in.
func TestFTPCloseLeavesNothing(t *testing.T) {
	s := labtest.Start(t, Start, faulty(t, "hang:NOOP,data.stall=100:1h"))
	s.Tree().Virtual("/huge", 10<<30, base.Pattern(1))
	idle := loginFTP(t, s.Addr())
	hung := loginFTP(t, s.Addr())
	hung.PrintfLine("NOOP")
	waiting := loginFTP(t, s.Addr())
	waiting.cmd(229, "EPSV")
	waiting.cmd(150, "RETR /huge")
	stuck := loginFTP(t, s.Addr())
	conn := stuck.open()
	stuck.cmd(150, "RETR /huge")
	io.ReadFull(conn, make([]byte, 100))
	idle.cmd(229, "EPSV")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	labtest.NoServerGoroutines(t)
	if _, err := net.DialTimeout("tcp", s.Addr(), time.Second); err == nil {
		t.Error("still listening")
	}
}

// TestRequestsOfBrowsersAreNotCarriedOut: a form of a page, sent to the server,
// with commands in its body.
func TestRequestsOfBrowsersAreNotCarriedOut(t *testing.T) {
	s := labtest.Start(t, Start, Options{})
	conn := labtest.Dial(t, s.Addr())
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\n\r\nUSER alice\r\nPASS secret\r\nDELE README.txt\r\n"); err != nil {
		t.Fatal(err)
	}
	text, _ := labtest.ReadUntilEnd(conn)
	if strings.Count(text, "\n") != 1 || s.Logins() > 0 {
		t.Errorf("%q, %d logins", text, s.Logins())
	}
}
