package imapstore

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// messageKey is the key of an archived message, which a ledger keeps.
type messageKey [16]byte

func parseKey(s string) (k messageKey, ok bool) {
	n, err := hex.Decode(k[:], []byte(s)[:min(len(s), 2*len(k))])
	return k, err == nil && n == len(k) && len(s) == 2*len(k)
}

// String returns the key as callers know it.
func (k messageKey) String() string { return hex.EncodeToString(k[:]) }

// digest identifies the content of a message.
type digest [16]byte

func digestOf(h hash.Hash) (d digest) {
	copy(d[:], h.Sum(nil))
	return d
}

// kept is what a ledger knows of a message.
type kept struct {
	uid  uint32 // 0: it was sent, and nobody knows whether it is there
	size int64
	sum  digest
}

// ledger remembers which message of a mailbox has which key: IMAP has no place for
// keys at the server, and messages are stored as they are. It is a file to which
// lines are added; a killed run leaves at most half a line, which is dropped. When
// most of them are of no interest any more it is written anew.
//
//	v VALIDITY             of the mailbox that the lines after it are about
//	? KEY SIZE SUM FROM    a message is about to be sent; its UID will be FROM or above
//	+ KEY UID              it is there
//	- KEY                  it is not there, or of no interest any more
type ledger struct {
	file     File // nil: kept in memory only
	w        *bufio.Writer
	validity uint32
	from     uint32 // messages without a UID are looked for from here
	known    map[messageKey]kept
}

// openLedger reads the ledger of a mailbox.
func openLedger(state *State, mailbox string) (*ledger, error) {
	l := &ledger{known: map[messageKey]kept{}}
	file, err := state.open(mailbox, "keys")
	if err != nil || file == nil {
		return l, err
	}
	l.file, l.w = file, bufio.NewWriter(file)
	end, lines, err := l.load(file)
	if err == nil && lines > ledgerLines && lines > 4*len(l.known) && l.rewrite(state, mailbox) {
		return l, nil
	}
	if err == nil {
		err = file.Truncate(end)
	}
	if err == nil {
		_, err = file.Seek(end, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return l, nil
}

// ledgerLines is how long a ledger may be, whatever it has of interest.
const ledgerLines = 1000

// load reads all whole lines and returns where they end, and how many they are. What
// a crash of the machine may have put after them is not a line.
func (l *ledger) load(r io.Reader) (end int64, lines int, err error) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadSlice('\n')
		if err == io.EOF || err == bufio.ErrBufferFull {
			return end, lines, nil
		}
		if err != nil {
			return end, lines, err
		}
		end += int64(len(line))
		lines++
		l.take(string(line))
	}
}

// rewrite puts a file with what is of interest in the place of the ledger's. When
// that fails the old one is as good.
func (l *ledger) rewrite(state *State, mailbox string) bool {
	fresh, err := state.open(mailbox, "keys-new")
	if err != nil {
		return false
	}
	short := &ledger{file: fresh, w: bufio.NewWriter(fresh), validity: l.validity, from: l.from, known: l.known}
	if err = fresh.Truncate(0); err == nil { // another run may have been killed here
		short.line("v %d\n", l.validity)
		for key, k := range l.known {
			short.begins(key, k.size, k.sum)
			if k.uid != 0 {
				short.stored(key, k.uid)
			}
		}
		err = short.write(true)
	}
	if err == nil {
		err = state.Files.Rename(state.Path(mailbox, "keys-new"), state.Path(mailbox, "keys"))
	}
	if err != nil {
		fresh.Close()
		state.remove(mailbox, "keys-new")
		return false
	}
	l.file.Close()
	*l = *short
	return true
}

// take reads one line; what makes no sense is left out.
func (l *ledger) take(line string) {
	mark, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	if mark == "v" {
		_, _ = fmt.Sscan(rest, &l.validity)
		l.void()
		return
	}
	text, rest, _ := strings.Cut(rest, " ")
	key, ok := parseKey(text)
	if !ok {
		return
	}
	k := l.known[key]
	switch mark {
	case "?":
		var sum string
		var from uint32
		if _, err := fmt.Sscan(rest, &k.size, &sum, &from); err != nil {
			return
		}
		_, _ = hex.Decode(k.sum[:], []byte(sum)[:min(len(sum), 2*len(k.sum))])
		k.uid = 0
		l.from = from // they only rise while one validity lasts
	case "+":
		_, _ = fmt.Sscan(rest, &k.uid)
	case "-":
		delete(l.known, key)
		return
	}
	l.known[key] = k
}

func (l *ledger) line(format string, args ...any) {
	if l.w != nil {
		fmt.Fprintf(l.w, format, args...)
	}
}

// begins notes that a message is about to be sent.
func (l *ledger) begins(key messageKey, size int64, sum digest) {
	l.known[key] = kept{size: size, sum: sum}
	l.line("? %s %d %x %d\n", key, size, sum, l.from)
}

// stored notes the UID of a message.
func (l *ledger) stored(key messageKey, uid uint32) {
	k := l.known[key]
	k.uid = uid
	l.known[key] = k
	l.line("+ %s %d\n", key, uid)
}

// forget drops a message.
func (l *ledger) forget(key messageKey) {
	delete(l.known, key)
	l.line("- %s\n", key)
}

// renew says that all UIDs are void.
func (l *ledger) renew(validity uint32) {
	l.validity = validity
	l.line("v %d\n", validity)
	l.void()
}

// void drops all UIDs: they were of another validity.
func (l *ledger) void() {
	l.from = 1
	for key, k := range l.known {
		k.uid = 0
		l.known[key] = k
	}
}

// open returns the messages without a UID.
func (l *ledger) open() map[messageKey]kept {
	out := map[messageKey]kept{}
	for key, k := range l.known {
		if k.uid == 0 {
			out[key] = k
		}
	}
	return out
}

// byUID returns the messages with a UID.
func (l *ledger) byUID() map[uint32]messageKey {
	out := make(map[uint32]messageKey, len(l.known))
	for key, k := range l.known {
		if k.uid != 0 {
			out[k.uid] = key
		}
	}
	return out
}

// write brings what was noted to the file, and with force to the disk.
func (l *ledger) write(force bool) error {
	if l.file == nil {
		return nil
	}
	err := l.w.Flush()
	if err == nil && force {
		err = l.file.Sync()
	}
	if err != nil {
		return &protocols.Error{Proto: proto, Kind: protocols.KindLocal, Err: err}
	}
	return nil
}

// close frees the ledger.
func (l *ledger) close() error {
	if l.file == nil {
		return nil
	}
	err := l.write(false)
	l.file.Close()
	return err
}

// newDigest starts the digest of a message.
func newDigest() hash.Hash { return sha256.New() }
