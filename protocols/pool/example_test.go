package pool_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"sync"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/pool"
)

// Many goroutines upload over at most four connections.
func Example() {
	server, err := lab.StartFTP(lab.FTPOptions{}) // stands for ftp.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	at := labtest.WithUser(server.URL())

	p := pool.New(func(context.Context) (protocols.Client, error) {
		c, _, err := all.Open(at, nil)
		return c, err
	}, pool.Config{Max: 4, Retries: 3})
	defer p.Close()

	ctx := context.Background()
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			err := p.Do(ctx, func(c protocols.Client) error {
				_, err := protocols.Put(ctx, c, fmt.Sprintf("incoming/%d.txt", i), strings.NewReader("text"), nil)
				return err
			})
			if err != nil {
				log.Print(err)
			}
		})
	}
	group.Wait()
	fmt.Println(p.Stats().Opened <= 4, p.Stats().Opened+p.Stats().Reused)
	// Output: true 20
}
