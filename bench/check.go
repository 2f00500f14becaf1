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

// sameFile returns a check that two files, both named with the lab's values, hold the same bytes.
func sameFile(want, got string) func(*lab) error {
	return func(l *lab) error { return compareFiles(l.expand(want), l.expand(got)) }
}

// sameTree returns a check that one folder holds the same files as another: names and bytes.
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

var errDiffers = errors.New("not the bytes that were sent")

// compare reads both to the end, in pieces that keep the harness small.
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

// atEnd tells the end of both files, which is good, from a read error.
func atEnd(errs ...error) error {
	for _, err := range errs {
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
	}
	return nil
}

// lines returns a check that standard output has so many lines with the word in them.
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
