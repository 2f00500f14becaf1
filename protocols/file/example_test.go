package file_test

import (
	"fmt"

	"github.com/netclients/netclients/protocols/file"
)

// Refuses names of servers that lead elsewhere.
func ExampleSafeName() {
	for _, name := range []string{"report.txt", "../etc/passwd", ".."} {
		safe, err := file.SafeName(name)
		fmt.Printf("%q %v\n", safe, err != nil)
	}
	// Output:
	// "report.txt" false
	// "" true
	// "" true
}
