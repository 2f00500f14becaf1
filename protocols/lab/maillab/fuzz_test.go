package maillab

import (
	"testing"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/kit"
)

func FuzzSMTPDialogue(f *testing.F) {
	kit.Seeds(f,
		"MAIL FROM:<a@x> SIZE=10 BODY=8BITMIME\r\nRCPT TO:<alice@lab.test>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\nQUIT\r\n",
		"MAIL FROM:<>\r\nRCPT TO:<alice@lab.test> NOTIFY=NEVER ORCPT=rfc822;x\r\nBDAT 3\r\nabcBDAT 0 LAST\r\n",
		"AUTH PLAIN\r\n=\r\nAUTH SCRAM-SHA-256 biw=\r\n*\r\nSTARTTLS\r\n\x16\x03\x01", "RSET\r\nVRFY x\r\nEXPN x\r\nHELP\r\nNOOP\r\nBDAT 99999999999\r\nBDAT -1\r\n",
	)
	s, err := StartSMTP(SMTPOptions{ServerOptions: base.ServerOptions{TLS: base.TLSExplicit}, MaxBytes: 1 << 16})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	kit.FuzzSession(f, s.handle, "EHLO x\r\n")
}

// FuzzPOP3Dialogue sends anything before or after a login.
func FuzzPOP3Dialogue(f *testing.F) {
	kit.Seeds(f,
		"AUTH SCRAM-SHA-256 =\r\n*\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\nSTAT\r\n", "AUTH CRAM-MD5\r\nZZ\r\nAPOP alice\r\nSTLS\r\n\x16\x03\x01",
		"USER alice\r\nPASS secret\r\nTOP 2 3\r\nTOP 4294967296 1\r\nUIDL -1\r\nLIST 2 2\r\nDELE 1\r\nRSET\r\nUTF8\r\nCAPA\r\nQUIT\r\n", "USER\r\nPASS\r\nUSER alice\r\nSTLS\r\n", "\r\n \r\n\x00\r\n",
	)
	s := maildropServer(f, POP3Options{ServerOptions: base.ServerOptions{TLS: base.TLSExplicit}, Shared: true})
	kit.FuzzSession(f, s.handle, "")
}

func FuzzIMAPDialogue(f *testing.F) {
	kit.Seeds(f,
		"b SELECT INBOX\r\nc FETCH 1:* (FLAGS BODY[HEADER.FIELDS (SUBJECT)]<0.10>)\r\nd SEARCH OR FROM x NOT SINCE 1-Jan-2024\r\ne LOGOUT\r\n",
		"b APPEND INBOX {3}\r\nabc\r\nc APPEND x {4+}\r\nabcd\r\nd STORE 1 +FLAGS (\\Deleted)\r\ne EXPUNGE\r\n",
		"b LIST \"\" (* %) RETURN (STATUS (MESSAGES))\r\nc STATUS \"a\\\"b\" (UIDNEXT)\r\nd CREATE &AOk-\r\ne RENAME x y\r\nf DELETE y\r\n",
		"b AUTHENTICATE PLAIN =\r\nc IDLE\r\nDONE\r\nd STARTTLS\r\n\x16\x03\x01", "b UID FETCH 4294967296:0 BODY[1.2.MIME]\r\nc UID MOVE 1 x\r\nd ENABLE X\r\n",
	)
	s, err := StartIMAP(IMAPOptions{ServerOptions: base.ServerOptions{TLS: base.TLSExplicit}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	kit.FuzzSession(f, s.handle, "a LOGIN alice secret\r\n")
}
