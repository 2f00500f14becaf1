package message_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/netclients/netclients/protocols/message"
)

// Composes a message and prints its headers.
func ExampleDraft_Build() {
	m, err := message.Draft{
		From: "Ann <ann@example.org>", To: []string{"Bob <bob@example.org>"}, Bcc: []string{"carol@example.org"},
		Subject: "Grüße", Text: message.Text("Hello, Bob.\n"),
	}.Build()
	if err != nil {
		log.Fatal(err)
	}
	var text strings.Builder
	if _, err := m.WriteTo(&text); err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, "Subject:") {
			fmt.Println(strings.TrimSpace(line))
		}
	}
	fmt.Println(m.Recipients, strings.Contains(text.String(), "carol"))
	// Output:
	// Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
	// [bob@example.org carol@example.org] false
}
