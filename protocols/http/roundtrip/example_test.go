package roundtrip_test

import (
	"context"
	"fmt"
	"io"
	"log"
	nethttp "net/http"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/roundtrip"
	"github.com/netclients/netclients/protocols/lab"
)

// A program of net/http logs in with Digest.
func Example() {
	server, err := lab.StartHTTP(lab.HTTPOptions{}) // stands for www.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	t := roundtrip.New(roundtrip.Config{Options: &protocols.Options{
		Credentials: func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
			return protocols.Credential{User: "alice", Password: "secret"}, nil
		},
	}})
	defer t.Close()
	client := &nethttp.Client{Transport: t}
	resp, err := client.Get(server.URL() + "-/auth/digest")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	fmt.Printf("%s %s%v", resp.Status, text, err)
	// Output:
	// 200 OK welcome, alice
	// <nil>
}
