package expect_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"strings"

	"github.com/netclients/netclients/protocols/expect"
)

// Plays a script with a server.
func ExampleScript_Run() {
	client, server := net.Pipe()
	go func() { // stands for a server
		fmt.Fprint(server, "login: ")
		server.Read(make([]byte, 100))
		fmt.Fprint(server, "welcome\r\n")
		server.Close()
	}()
	script, err := expect.Parse(strings.NewReader("expect \"login: \"\nsend \"ann\"\nexpect \"welcome\"\n"))
	if err != nil {
		log.Fatal(err)
	}
	err = script.Run(context.Background(), expect.NewStream(client, 0), nil, &expect.RunOptions{Report: func(r expect.Result) error {
		fmt.Println(r.Action, r.OK)
		return nil
	}})
	fmt.Println(err)
	// Output:
	// expect true
	// send true
	// expect true
	// <nil>
}
