package ftp_test

import (
	"context"
	"fmt"
	"log"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// Lists a folder and changes the mode of a file.
func Example() {
	server, err := lab.StartFTP(lab.FTPOptions{}) // stands for ftp.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	c, folder, err := protocols.Open[*ftp.Client](ftp.Spec(), labtest.WithUser(server.URL())+"pub/nested/a", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	for e, err := range c.List(context.Background(), folder) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Type, e.Name, e.Size)
	}
	err = c.Chmod(context.Background(), folder+"/none.txt", "644")
	fmt.Println(protocols.KindOf(err))
	// Output:
	// dir b -1
	// file one.txt 4
	// refused
}
