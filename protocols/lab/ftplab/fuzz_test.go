package ftplab

import (
	"bytes"
	"testing"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/kit"
)

// FuzzFTPDialogue sends anything after a login; the session must end when the
// client does, without a panic.
func FuzzFTPDialogue(f *testing.F) {
	kit.Seeds(f,
		"EPRT |1|127.0.0.1|5000|\r\nPORT 1,2,3,4,5,6\r\nEPSV\r\nPASV\r\nRETR README.txt\r\n",
		"MDTM 20200101000000 README.txt\r\nMFMT 2 x\r\nSITE UTIME a b c d UTC\r\nSITE CHMOD 777 /\r\n",
		"XCRC \"README.txt\" 1 9223372036854775807\r\nHASH /\r\nOPTS MLST x;y\r\nMLST\r\nREST 9\r\nALLO\r\n",
		"\xff\xf4\xff\xf2ABOR\r\n\xff", "AUTH TLS\r\n\x16\x03\x01", "CCC\r\nREIN\r\nUSER\r\n", "RNFR /pub\r\nRNTO /pub/x\r\nMKD \"\r\nCWD ..\r\n",
	)
	tree := base.Sample()
	tree.SetCapacity(1 << 20)
	s, err := Start(Options{ServerOptions: base.ServerOptions{TLS: base.TLSExplicit}, Tree: tree})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	kit.FuzzSession(f, s.handle, "USER alice\r\nPASS secret\r\n")
}

// FuzzTelnet checks that stripping keeps lines without Telnet as they are.
func FuzzTelnet(f *testing.F) {
	f.Add([]byte("\xff\xf4\xff\xf2ABOR"))
	f.Add([]byte("a\xff\xffb\xff\xfb"))
	f.Fuzz(func(t *testing.T, in []byte) {
		out := stripTelnet(in)
		if len(out) > len(in) || bytes.IndexByte(in, 255) < 0 && !bytes.Equal(in, out) {
			t.Errorf("%q became %q", in, out)
		}
	})
}
