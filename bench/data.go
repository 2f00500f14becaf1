//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Sizes of the data sets, which are in the folder "bench" of the servers' root.
const (
	bigSize    = 512 << 20
	smallFiles = 2000
	manyFiles  = 50000
)

// dataVersion is part of the stamp that marks the data sets as complete. Change it with the data sets.
const dataVersion = "1"

// fixed returns the same random bytes in each run of the benchmark.
func fixed(name string) *rand.ChaCha8 {
	var seed [32]byte
	copy(seed[:], "netclients bench "+name)
	return rand.NewChaCha8(seed)
}

// dataSet creates a set once; later runs find its stamp.
func dataSet(l *lab, name string, fill func(dir string) error) error {
	dir := filepath.Join(l.root, "bench", name)
	stamp := filepath.Join(filepath.Dir(dir), "."+name+"-"+dataVersion)
	if _, err := os.Stat(stamp); err == nil {
		return nil
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return fmt.Errorf("are the servers up? %w", err)
	}
	if err := fill(dir); err != nil {
		return err
	}
	return os.WriteFile(stamp, nil, 0o644)
}

// bigData creates one file, bench/big/big.bin.
func bigData(l *lab) error {
	return dataSet(l, "big", func(dir string) error {
		return writeFile(filepath.Join(dir, "big.bin"), io.LimitReader(fixed("big"), bigSize))
	})
}

// smallData creates a tree of files of 1 to 16 KiB, ten in each of 200 folders, below bench/small.
func smallData(l *lab) error {
	return dataSet(l, "small", func(dir string) error {
		source := fixed("small")
		sizes := rand.New(source)
		for i := range smallFiles {
			folder := filepath.Join(dir, fmt.Sprintf("d%02d", i%20), fmt.Sprintf("e%02d", i/20%10))
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return err
			}
			size := 1024 + sizes.Int64N(15*1024+1)
			if err := writeFile(filepath.Join(folder, fmt.Sprintf("file%05d.dat", i)), io.LimitReader(source, size)); err != nil {
				return err
			}
		}
		return nil
	})
}

// manyData creates a folder of empty files, bench/many.
func manyData(l *lab) error {
	return dataSet(l, "many", func(dir string) error {
		for i := range manyFiles {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("entry-%06d.txt", i)), nil, 0o644); err != nil {
				return err
			}
		}
		return nil
	})
}

func writeFile(path string, r io.Reader) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	_, err = w.ReadFrom(r)
	return errors.Join(err, w.Flush(), f.Close())
}
