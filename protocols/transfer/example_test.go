package transfer_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/transfer"
)

// Downloads a tree, twice: the second run finds that all is there.
func ExampleSync() {
	server, err := lab.StartFTP(lab.FTPOptions{}) // stands for ftp.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	from, err := all.Parse(labtest.WithUser(server.URL()) + "pub/nested/a")
	if err != nil {
		log.Fatal(err)
	}

	for range 2 {
		sum, err := transfer.Sync(context.Background(), transfer.At(from, nil), transfer.Local(filepath.Join(dir, "mirror")), nil, nil)
		fmt.Println(sum.Done, sum.Skipped, err)
	}
	// Output:
	// 2 0 <nil>
	// 0 2 <nil>
}

// Downloads one file.
func ExampleCopy() {
	server, err := lab.StartFTP(lab.FTPOptions{}) // stands for ftp.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	from, err := all.Parse(labtest.WithUser(server.URL()) + "pub/nested/a/one.txt")
	if err != nil {
		log.Fatal(err)
	}

	result, err := transfer.Copy(context.Background(), transfer.At(from, nil), transfer.Local(filepath.Join(dir, "one.txt")), &transfer.Options{Continue: true})
	fmt.Println(result.Status, result.Bytes, err)
	// Output: done 4 <nil>
}
