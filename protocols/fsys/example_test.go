package fsys_test

import (
	"context"
	"fmt"
	"io/fs"
	"log"
	"testing/fstest"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/fsys"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/pool"
	"github.com/netclients/netclients/protocols/transfer"
)

// All text files of a folder of an FTP server, by way of package io/fs.
func ExampleNew() {
	server, err := lab.StartFTP(lab.FTPOptions{}) // stands for ftp.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	p := pool.New(func(context.Context) (protocols.Client, error) {
		c, _, err := all.Open(labtest.WithUser(server.URL()), nil)
		return c, err
	}, pool.Config{})
	defer p.Close()

	files := fsys.New(context.Background(), p, "pub")
	names, err := fs.Glob(files, "nested/many/file0[0-2].txt")
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s", name, text)
	}
	// Output:
	// nested/many/file00.txt: file number 0
	// nested/many/file01.txt: file number 1
	// nested/many/file02.txt: file number 2
}

// Uploads a file system, such as one of package embed.
func ExampleClient() {
	server, err := lab.StartFTP(lab.FTPOptions{}) // stands for ftp.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	site := fstest.MapFS{"index.html": {Data: []byte("<p>Hello</p>\n")}, "img/dot.svg": {Data: []byte("<svg/>\n")}}
	to, err := all.Parse(labtest.WithUser(server.URL()) + "incoming/site")
	if err != nil {
		log.Fatal(err)
	}

	from := transfer.Endpoint{Open: func() (protocols.Client, error) { return fsys.Client(site), nil }, URL: "fs:", Protocol: "fs"}
	sum, err := transfer.Sync(context.Background(), from, transfer.At(to, nil), nil, nil)
	fmt.Println(sum.Done, err)
	// Output: 2 <nil>
}
