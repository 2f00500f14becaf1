package all_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// Reads a file of any protocol that the catalog has.
func ExampleOpen() {
	server, err := lab.StartFTP(lab.FTPOptions{}) // stands for ftp.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	c, name, err := all.Open(labtest.WithUser(server.URL())+"pub/nested/a/one.txt", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	o, err := protocols.Get(context.Background(), c, name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer o.Body.Close()
	fmt.Println(o.Name, o.Size)
	if _, err := io.Copy(os.Stdout, o.Body); err != nil {
		log.Fatal(err)
	}
	// Output:
	// one.txt 4
	// one
}
