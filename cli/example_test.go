package cli_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/netclients/netclients/cli"
	"github.com/netclients/netclients/protocols/all"
)

// Runs a command as the program does.
func ExampleMain() {
	catalog, err := all.All() // to which a program adds its own adapters
	if err != nil {
		log.Fatal(err)
	}
	code := cli.Main(context.Background(), catalog, []string{"cat", "data:,hello"}, strings.NewReader(""), os.Stdout, os.Stderr)
	fmt.Println("\nexit code", code)
	// Output:
	// hello
	// exit code 0
}
