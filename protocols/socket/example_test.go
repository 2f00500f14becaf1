package socket_test

import (
	"context"
	"fmt"
	"io"
	"log"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/socket"
)

// Reads what a server sends.
func Example() {
	server, err := lab.StartSimple(lab.SimpleOptions{}) // stands for tcp.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	c, _, err := protocols.Open[*socket.Client](socket.TCP(), server.URL(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	conn, err := c.Connect(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	if _, err := io.WriteString(conn, "hello\n"); err != nil {
		log.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		log.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	fmt.Printf("%q %v\n", text, err)
	// Output: "hello\n" <nil>
}
