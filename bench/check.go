//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// sameFile returns a check that two files, whose names may use the lab's values, have the same content.
func sameFile(want, got string) func(*lab) error {
	return func(l *lab) error { return compareFiles(l.expand(want), l.expand(got)) }
}

// sameTree returns a check that two folders hold the same files: names and content.
func sameTree(want, got string) func(*lab) error {
	return func(l *lab) error {
		source, copied := l.expand(want), l.expand(got)
		n, err := walkFiles(source, func(name string) error {
			return compareFiles(filepath.Join(source, name), filepath.Join(copied, name))
		})
		if err != nil {
			return err
		}
		m, err := walkFiles(copied, func(string) error { return nil })
		if err == nil && m != n {
			err = fmt.Errorf("%d files, want %d", m, n)
		}
		return err
	}
}

func walkFiles(root string, each func(name string) error) (count int, err error) {
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		count++
		return each(name)
	})
	return count, err
}

func compareFiles(want, got string) error {
	a, err := os.Open(want)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := os.Open(got)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := compare(a, b); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(got), err)
	}
	return nil
}

var errDiffers = errors.New("content differs from what was sent")

// compare reads both to the end, in pieces to keep the harness small.
func compare(a, b io.Reader) error {
	const piece = 64 << 10
	x, y := make([]byte, piece), make([]byte, piece)
	for {
		n, err := io.ReadFull(a, x)
		m, other := io.ReadFull(b, y)
		if !bytes.Equal(x[:n], y[:m]) {
			return errDiffers
		}
		if err != nil || other != nil {
			return atEnd(err, other)
		}
	}
}

// atEnd returns nil if both files have ended, else a read error or a difference.
func atEnd(errs ...error) error {
	for _, err := range errs {
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
	}
	return nil
}

// lines returns a check for the number of lines on standard output that contain the word.
func lines(want int, word string) func(*lab) error {
	return func(l *lab) error {
		f, err := os.Open(l.stdout())
		if err != nil {
			return err
		}
		defer f.Close()
		n := 0
		scanner := bufio.NewScanner(f)
		for scanner.Scan() {
			if bytes.Contains(scanner.Bytes(), []byte(word)) {
				n++
			}
		}
		if err := scanner.Err(); err != nil {
			return err
		}
		if n != want {
			return fmt.Errorf("%d lines, want %d", n, want)
		}
		return nil
	}
}
