package ftp_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
)

// TestOddListings: what servers make of a listing, and what must come of it.
func TestOddListings(t *testing.T) {
	type replies = map[string]func(string) string
	const facts = "type=file;size=3;"
	mlst := []string{"MLST type*;size*;", "SIZE"}
	files := map[string]string{"d/a": "abc", "d/b": "abc"}
	for _, tt := range []struct {
		name     string
		features []string
		reply    replies
		list     string
		dir      string
		want     []string // names, and lines that are not understood
		kind     protocols.Kind
	}{
		{name: "MLSD with the folder in front", features: mlst, list: facts + " /d/a\r\n" + facts + " d/b\r\n", dir: "d", want: []string{"a", "b"}},
		{name: "MLSD with other folders in front", features: mlst, list: facts + " ../a\r\n" + facts + " x/b\r\n" + facts + " /a\r\n", dir: "d", want: []string{"../a", "/a", "x/b"}},
		{name: "MLSD not there", features: mlst, reply: replies{"MLSD": says("500 what?"), "MLST": says("500 what?")}, dir: "d", want: []string{"a", "b"}},
		{name: "MLSD without sense", features: mlst, reply: replies{"MLSD": says("501 Missing parameters"), "MLST": says("501 Missing parameters")}, dir: "d", want: []string{"a", "b"}},
		{name: "200 before the 150", list: "-rw-r--r-- 1 u g 3 Jan 02 2025 a\r\n", reply: replies{"TYPE": says("200 ok\r\n200 really")}, dir: "d", kind: protocols.KindProtocol},
		{name: "LIST refused: empty", reply: replies{"LIST": says("550 No files found.")}, dir: "d"},
		{name: "LIST put off: empty", reply: replies{"LIST": says("450 nothing in here")}, dir: "d"},
		{name: "LIST put off: busy", reply: replies{"LIST": says("450 File unavailable")}, dir: "d", kind: protocols.KindTemporary},
		{name: "LIST refused: no right", reply: replies{"LIST": says("550 Permission denied: not found")}, dir: "d", kind: protocols.KindRefused},
		{name: "MLSD refused: empty", features: mlst, reply: replies{"MLSD": says("550 No files found."), "MLST": says("250-x\r\n type=dir; d\r\n250 end")}, dir: "d"},
		{name: "a folder that is not there: 451", reply: replies{"LIST": says("451 ENOENT")}, dir: "none", kind: protocols.KindRefused},
		{name: "a folder that is not there: ls", list: "ls: none: No such file or directory\r\n", dir: "none", kind: protocols.KindRefused},
		{name: "a file", list: "-rw-r--r-- 1 u g 3 Jan 02 2025 d/a\r\n", dir: "d/a", want: []string{"a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := &oddServer{Features: tt.features, Files: files, Folders: map[string]bool{"d": true}, Reply: tt.reply, List: tt.list}
			names, err := listNames(t.Context(), srv.start(t).client(t, nil), tt.dir)
			if slices.Sort(names); !slices.Equal(names, tt.want) {
				t.Errorf("%q, want %q", names, tt.want)
			}
			if protocols.KindOf(err) != tt.kind {
				t.Errorf("%v, want kind %v", err, tt.kind)
			}
			if tt.dir == "none" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v, want one of class ErrNotExist", err)
			}
		})
	}
}

// TestTruncatedListing: a listing that the server has cut off is not whole.
func TestTruncatedListing(t *testing.T) {
	srv := &oddServer{Files: map[string]string{"a": "x"}, End: "226-Options: -a -l\r\n226 Output truncated to 1 matches"}
	names, err := listNames(t.Context(), srv.start(t).client(t, nil), "")
	if len(names) != 1 || protocols.KindOf(err) != protocols.KindProtocol || protocols.IsRetryable(err) {
		t.Errorf("%q, %v", names, err)
	}
}

// TestCutListings: the ways in which servers say that a listing has not all entries, and
// final replies that only look like it.
func TestCutListings(t *testing.T) {
	for end, cut := range map[string]bool{
		"226 Output truncated to 10000 matches":                      true,
		"226-Options: -a -l\r\n226 Output truncated to 2000 matches": true,
		"226 Transfer done (listing limited to 1000 files)":          true,
		"226 Too many files; only first 500 shown":                   true,
		"226 Directory listing incomplete":                           true,
		"226 Maximum number of entries (2000) reached":               true,
		"226 File list limit exceeded":                               true,
		"226 Not all entries could be read":                          true,
		"226 Transfer aborted.":                                      true,
		"226 Partial listing":                                        true,
		"226 3 of 5 entries listed":                                  true,
		"226 Showing first 3 files":                                  true,
		"226 Results limited to 3":                                   true,
		"226 I/O error during listing":                               true,
		"226 Error reading directory":                                true,
		"226 Timeout while listing":                                  true,
		"226 Listing timed out":                                      true,
		"226 Some entries could not be read":                         true,
		"226 Permission denied for some entries":                     true,
		"226 5 of 5 entries listed":                                  false,
		"226 Transfer complete, user 3 of 50":                        false,
		"226 Transfer complete (0 errors)":                           false,
		"226 Closing data connection. Requested file action successful (for example, file transfer or file abort).": false,
		"226 Transfer complete; idle timeout 300 seconds":                                                           false,
		"226 Transfer complete":                                false,
		"226 2000 matches total":                               false,
		"226 Transfer complete. Bandwidth limited to 100 KB/s": false,
		"226 Directory send OK. 3 files, maximum speed 5 MB/s": false,
		"226 Closing data connection; file limit: none":        false,
	} {
		for _, features := range [][]string{nil, {"MLST type*;size*;"}} {
			srv := (&oddServer{Features: features, Files: map[string]string{"a": "x"}, End: end}).start(t)
			_, err := listNames(t.Context(), srv.client(t, nil), "")
			if cut {
				wantKind(t, err, protocols.KindProtocol)
			} else if err != nil {
				t.Errorf("%s: %v", end, err)
			}
		}
	}
}

// TestSurplusReply: a 200 before the 150 is read over.
func TestSurplusReply(t *testing.T) {
	srv := &oddServer{Features: []string{"SIZE"}, Files: map[string]string{"f": "content"}, Begin: "200 PORT was fine\r\n150 go on"}
	c := srv.start(t).client(t, nil)
	for range 2 {
		if b, err := readAll(t.Context(), c, "f", nil); err != nil || string(b) != "content" {
			t.Errorf("%q, %v", b, err)
		}
		if names, err := listNames(t.Context(), c, ""); err != nil || len(names) != 1 {
			t.Errorf("%q, %v", names, err)
		}
	}
}

// TestEmptyNames: NLST of an empty folder, and of one that may not be read.
func TestEmptyNames(t *testing.T) {
	for text, kind := range map[string]protocols.Kind{"450 nothing in here": protocols.KindOK, "550 Permission denied": protocols.KindRefused} {
		srv := &oddServer{Reply: map[string]func(string) string{"NLST": says(text)}}
		for _, err := range srv.start(t).client(t, nil).Names(t.Context(), "") {
			if protocols.KindOf(err) != kind {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}

// TestStatFacts: what MLST leaves out is asked for.
func TestStatFacts(t *testing.T) {
	srv := &oddServer{Features: []string{"MLST type*;size*;", "SIZE", "MDTM"}, Files: map[string]string{"f": "content"}}
	srv.Reply = map[string]func(string) string{"MLST": says("250-x\r\n type=file; f\r\n250 end")}
	e, err := srv.start(t).client(t, nil).Stat(t.Context(), "f")
	if err != nil || e.Size != 7 || e.Modified.Year() != 2024 {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestPort227: the last line of a reply is the one that has the port.
func TestPort227(t *testing.T) {
	srv := &oddServer{Files: map[string]string{"f": "content"}}
	srv.Reply = map[string]func(string) string{"EPSV": says("500 no")}
	srv.PASV = "227-Hello\r\n227 ok (%s)"
	if b, err := readAll(t.Context(), srv.start(t).client(t, nil), "f", nil); err != nil || string(b) != "content" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestByte255: names with the byte 255, on servers that take the control connection
// for a Telnet stream and on those that do not.
func TestByte255(t *testing.T) {
	const name = "d\xff\xeb"
	for _, tt := range []struct {
		telnet bool
		probe  string // reply to the question whether the server takes commands for a Telnet stream
		set    string
	}{{telnet: false}, {telnet: true}, {telnet: false, probe: silent}, {telnet: false, set: ftp.Byte255Plain}, {telnet: true, set: ftp.Byte255Doubled}} {
		srv := &oddServer{Features: []string{"SIZE"}, Files: map[string]string{name: "content", "\xff\xff": "two", "\xff": "one"}, Telnet: tt.telnet}
		if tt.probe != "" {
			srv.Reply = map[string]func(string) string{"NO\xff\xf1OP": says(tt.probe)}
		}
		c := srv.start(t).client(t, nil)
		c.Settings.Byte255 = tt.set
		for range 2 {
			if b, err := readAll(t.Context(), c, name, nil); err != nil || string(b) != "content" {
				t.Errorf("%+v: %q, %v", tt, b, err)
			}
		}
		if _, err := c.Put(t.Context(), "up\xff", strings.NewReader("text"), nil); err != nil {
			t.Error(err)
		}
		if text, _ := srv.file("up\xff"); text != "text" {
			t.Errorf("%+v: files %q", tt, srv.Files)
		}
		if err := c.Remove(t.Context(), "\xff\xff"); err != nil {
			t.Error(err)
		}
		// A second time there is nothing; written the other way it would be another file.
		if err := c.Remove(t.Context(), "\xff\xff"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%+v: %v", tt, err)
		}
		if text, _ := srv.file("\xff"); text != "one" {
			t.Errorf("%+v: another file was deleted", tt)
		}
		if asked := strings.Count(srv.commands(), "NO\xff\xf1OP"); tt.set != "" && asked > 0 || !tt.telnet && tt.set == "" && asked != 1 {
			t.Errorf("%+v: asked %d times", tt, asked)
		}
	}
}
