// Package cli is the command line of netclients, for programs that have further
// adapters:
//
//	func main() {
//		catalog, err := all.All()
//		if err == nil {
//			catalog, err = protocols.NewRegistry(append(catalog.Specs(), finger.Spec())...)
//		}
//		if err != nil {
//			log.Fatal(err)
//		}
//		os.Exit(cli.Main(context.Background(), catalog, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
//	}
//
// The common verbs, help, completion, probe and exit codes then work for the adapter's
// URLs. It implements no RFC.
package cli

import (
	"context"
	"io"

	"github.com/netclients/netclients/internal/cli"
	"github.com/netclients/netclients/protocols"
)

// Main runs one command line with the adapters of a catalog and returns its exit code,
// see [protocols.Kind]. args lack the program's name. It ends early, with the exit code
// of kind interrupted, when ctx does.
func Main(ctx context.Context, catalog *protocols.Registry, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return cli.MainWith(ctx, catalog, args, stdin, stdout, stderr)
}
