package observe_test

import (
	"context"
	"log"
	"log/slog"
	"os"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/observe"
)

// Writes each operation to a log.
func ExampleSlog() {
	server, err := lab.StartFTP(lab.FTPOptions{}) // stands for ftp.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	quiet := func(_ []string, a slog.Attr) slog.Attr { // what differs from run to run
		if a.Key == slog.TimeKey || a.Key == "host" || a.Key == "took" {
			return slog.Attr{}
		}
		return a
	}
	to := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: quiet}))
	c, _, err := all.Open(labtest.WithUser(server.URL()), &protocols.Options{Observe: observe.Slog(to)})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if _, err := protocols.Stat(context.Background(), c, "README.txt"); err != nil {
		log.Fatal(err)
	}
	// Output: level=INFO msg=stat protocol=ftp name=README.txt
}
