package xmlrpc_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/xmlrpc"
)

// Calls two methods, of which the server does not have the second.
func Example() {
	server, err := lab.StartXMLRPC(lab.XMLRPCOptions{}) // stands for rpc.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	c, _, err := protocols.Open[*xmlrpc.Client](xmlrpc.Spec(), server.URL(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	sum, err := c.Call(context.Background(), "add", 1, 2)
	fmt.Println(sum, err)
	_, err = c.Call(context.Background(), "none")
	if fault, ok := errors.AsType[*xmlrpc.Fault](err); ok {
		fmt.Println("fault", fault.Code)
	}
	// Output:
	// 3 <nil>
	// fault -32601
}
