package charsets_test

import (
	"fmt"

	"github.com/netclients/netclients/protocols/ftp/charsets"
)

// Finds a charset by one of its names.
func ExampleGet() {
	_, err := charsets.Get("gb18030")
	fmt.Println(err)
	_, err = charsets.Get("none")
	fmt.Println(err != nil)
	// Output:
	// <nil>
	// true
}
