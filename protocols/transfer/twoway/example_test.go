package twoway_test

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
	"github.com/netclients/netclients/protocols/transfer/twoway"
)

// Keeps a mailbox and a maildir the same.
func ExampleSync() {
	server, err := lab.StartIMAP(lab.IMAPOptions{}) // stands for imap.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var ends [2]transfer.Endpoint
	for i, at := range []string{labtest.WithUser(server.URL()) + "INBOX", "maildir:" + filepath.Join(dir, "Mail")} {
		target, err := all.Parse(at)
		if err != nil {
			log.Fatal(err)
		}
		ends[i] = transfer.At(target, nil)
	}

	for range 2 {
		sum, err := twoway.Sync(context.Background(), ends[0], ends[1], nil, nil)
		fmt.Println(sum.Done > 0, sum.Failed, err)
	}
	// Output:
	// true 0 <nil>
	// false 0 <nil>
}
