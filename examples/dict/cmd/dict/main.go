// Command dict is netclients with one adapter more.
package main

import (
	"context"
	"log"
	"os"

	"example.org/dict"

	"github.com/netclients/netclients/cli"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
)

func main() {
	catalog, err := all.All()
	if err == nil {
		catalog, err = protocols.NewRegistry(append(catalog.Specs(), dict.Spec())...)
	}
	if err != nil {
		log.Fatal(err)
	}
	os.Exit(cli.Main(context.Background(), catalog, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
