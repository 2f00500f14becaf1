package ftplab

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

func cmdSite(x *session, arg string) {
	verb, value := frame.SplitCommand(arg)
	run, ok := map[string]func(*session, string){
		"CHMOD": siteChmod, "UTIME": siteUtime, "UMASK": siteUmask, "HELP": siteHelp,
	}[verb]
	if !ok {
		x.reply(500, "Unknown SITE command.")
		return
	}
	run(x, value)
}

func siteHelp(x *session, _ string) {
	x.lineReply(214, "The following SITE commands are recognized.", "CHMOD HELP UMASK UTIME", "Help OK.")
}

func siteChmod(x *session, arg string) {
	digits, name, _ := strings.Cut(arg, " ")
	mode, err := strconv.ParseUint(digits, 8, 12)
	if err != nil || name == "" {
		x.reply(501, "SITE CHMOD needs an octal mode and a path.")
		return
	}
	x.done(x.srv.tree.Chmod(x.path(name), fs.FileMode(mode)), 200, "SITE CHMOD command ok.")
}

func siteUmask(x *session, arg string) {
	if arg == "" {
		x.replyf(200, "Your current UMASK is %#o", x.umask)
		return
	}
	mask, err := strconv.ParseUint(arg, 8, 9)
	if err != nil {
		x.reply(501, "SITE UMASK needs an octal number.")
		return
	}
	x.umask = fs.FileMode(mask)
	x.replyf(200, "UMASK set to %#o", x.umask)
}

// siteUtime knows both forms in use: "TIME path", and "path ATIME MTIME CTIME
// UTC". A time is YYYYMMDDhhmm with optional seconds, in UTC.
func siteUtime(x *session, arg string) {
	var name, stamp string
	if f := strings.Fields(arg); len(f) >= 5 && f[len(f)-1] == "UTC" {
		stamp = f[len(f)-3]
		name = strings.TrimSpace(strings.TrimSuffix(arg, strings.Join(f[len(f)-4:], " ")))
	} else {
		stamp, name, _ = strings.Cut(arg, " ")
	}
	if len(stamp) == len("200601021504") {
		stamp += "00"
	}
	when, err := time.Parse(factTime, stamp)
	if err != nil || name == "" {
		x.reply(501, "SITE UTIME needs a time and a path.")
		return
	}
	x.done(x.srv.tree.Chtimes(x.path(name), when), 200, "SITE UTIME command ok.")
}

// hashes are the algorithms of HASH and of the X commands.
func hashes() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{
		"SHA-256": sha256.New,
		"SHA-1":   sha1.New,
		"MD5":     md5.New,
		"CRC32":   func() hash.Hash { return crc32.NewIEEE() },
	}
}

// hashNames are the algorithms in the order FEAT shows them.
func hashNames() []string { return []string{"SHA-256", "SHA-1", "MD5", "CRC32"} }

// hashFeature is the FEAT line of HASH: the chosen one carries a star.
func (x *session) hashFeature() string {
	names := hashNames()
	names[slices.Index(names, x.hash)] += "*"
	return strings.Join(names, ";")
}

func optsHash(x *session, value string) {
	value = strings.ToUpper(value)
	if value != "" && !slices.Contains(hashNames(), value) {
		x.reply(501, "Unknown algorithm, current selection not changed.")
		return
	}
	if value != "" {
		x.hash = value
	}
	x.reply(200, x.hash)
}

// cmdHash is HASH of draft-bryan-ftpext-hash; it covers the whole file.
func cmdHash(x *session, name string) {
	sum, size, err := x.sum(x.hash, name, 0, -1)
	x.done(err, 213, fmt.Sprintf("%s 0-%d %s %s", x.hash, size, sum, name))
}

// sum is the hash in hex of the bytes from start to end (exclusive; negative
// is the end of the file) and the file's size.
func (x *session) sum(algorithm, name string, start, end int64) (string, int64, error) {
	f, err := x.srv.tree.Open(x.path(name))
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	size := f.Size()
	if end < 0 || end > size {
		end = size
	}
	h := hashes()[algorithm]()
	_, err = io.Copy(h, io.NewSectionReader(f, start, max(0, end-start)))
	return fmt.Sprintf("%x", h.Sum(nil)), size, err
}

// xsum makes one of XCRC, XMD5, XSHA1, XSHA256: path, quoted or not, and
// optionally the first byte and the one after the last.
func xsum(algorithm string) func(*session, string) {
	form := regexp.MustCompile(`^(?:"([^"]*)"|(.*?))((?: \d+){0,2})$`)
	return func(x *session, arg string) {
		name, bounds := arg, [2]int64{0, -1}
		if m := form.FindStringSubmatch(arg); m != nil && !isFile(x.srv.tree, x.path(arg)) {
			name = m[1] + m[2]
			for i, s := range strings.Fields(m[3]) {
				bounds[i], _ = strconv.ParseInt(s, 10, 64)
			}
		}
		sum, _, err := x.sum(algorithm, name, bounds[0], bounds[1])
		x.done(err, 250, strings.ToUpper(sum))
	}
}
