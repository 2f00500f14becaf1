package protocols_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// Errors say of which kind they are, whatever the protocol.
func ExampleKindOf() {
	server, err := lab.StartFTP(lab.FTPOptions{}) // stands for ftp.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	c, _, err := all.Open(labtest.WithUser(server.URL()), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	_, err = protocols.Stat(context.Background(), c, "none.txt")
	fmt.Println(protocols.KindOf(err), errors.Is(err, fs.ErrNotExist), protocols.IsRetryable(err))
	// Output: refused true false
}
