package textlab

import (
	"testing"

	"github.com/netclients/netclients/protocols/lab/internal/kit"
)

func FuzzGopherDialogue(f *testing.F) {
	kit.Seeds(f, "\r\n", "/pub\t+\r\n", "/README.txt\t!\r\n", "/pub\t$\r\n", "/search\tword\t+application/x\r\n", "/../..\r\n", "/README.txt\t+\t1\r\n+-1\r\nx\r\n.\r\n", "GET / HTTP/1.0\r\n\r\n")
	s, err := StartGopher(GopherOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	kit.FuzzSession(f, s.handle, "")
}

func FuzzTelnetDialogue(f *testing.F) {
	kit.Seeds(f,
		"alice\r\nsecret\r\nwho\r\nexit\r\n", "\xff\xfd\x01\xff\xfb\x18\xff\xfa\x18\x00xterm\xff\xf0alice\r\x00", "\xff\xfa\x1f\x00\x50\xff\xff\xff\xf0\xff\xf6\xff\xf2",
		"\xff\xfd\x00\xff\xfb\x00\xff\xff\xff", "\xff\xfa\x27\x00\x00USER\x01x\x02\xff\xf0\xff\xfa\x22\x03\xff\xf0", "\xff\xfb\x2e\xff\xfa\x2e\x01\xff\xf0\x16\x03\x01",
	)
	s, err := StartTelnet(TelnetOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	kit.FuzzSession(f, s.handle, "")
}
