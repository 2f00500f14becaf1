// Package state keeps what transfers remember over runs, in files that only grow: the
// journal of a sync of trees, and which messages an archive holds. It also holds the
// long lists of a plan.
package state

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// format is a kind of file that this package keeps over runs: lines that are
// only appended. The first one says what the file is, so that no other file that
// the user names by mistake is ever changed.
type format struct {
	name  string                 // for messages: "journal"
	title string                 // the first line
	older func(line []byte) bool // reports whether line may begin a file from before titles; nil: none
}

// open opens or makes a file of the format, with its folder, for this process
// alone. When another process has it open the error has class [protocols.ErrBusy];
// what is not such a file is not changed.
func (k format) open(ctx context.Context, path string) (*os.File, error) {
	f, err := file.OpenHeld(ctx, path)
	if err != nil {
		return nil, err
	}
	begun, err := k.check(f, path)
	if err == nil && !begun {
		err = k.begin(f)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// check reads the first line. begun is false for a file that is empty, or that a
// run was killed over while it wrote the title.
func (k format) check(f *os.File, path string) (begun bool, err error) {
	line, err := readLine(bufio.NewReader(f))
	title := []byte(k.title + "\n")
	switch {
	case err == io.EOF && len(line) < len(title) && bytes.HasPrefix(title, line):
		return false, nil
	case err != nil && err != io.EOF && err != errLongLine:
		return false, err
	case err == nil && (bytes.Equal(line, title) || k.older != nil && k.older(line)):
		return true, nil
	}
	return false, &protocols.Error{
		Kind: protocols.KindLocal, Text: path + " is not a " + k.name + ": not changed",
		Hint: "name a file that does not exist yet, or one that an earlier run made",
	}
}

func (k format) begin(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(k.title+"\n"), 0)
	return err
}

// errLongLine says that a line is longer than any of ours.
var errLongLine = errors.New("line too long")

// tooLong is the error of a file with a line that is longer than any of ours.
func tooLong(path string) error {
	text := fmt.Sprintf("%s has a line of more than %d bytes: it is damaged", path, maxRecord)
	return &protocols.Error{Kind: protocols.KindLocal, Text: text, Hint: "move it away: what is in place already is then compared anew"}
}

// readLine returns a line with its end. io.EOF means that what was returned is not a
// whole line.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if err == nil {
			return line, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) > maxRecord {
			return nil, errLongLine
		}
	}
}
