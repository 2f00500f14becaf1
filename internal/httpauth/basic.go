package httpauth

import (
	"encoding/base64"

	"github.com/netclients/netclients/protocols"
)

// Basic returns the value of Authorization for a user and password (RFC 7617).
func Basic(cred protocols.Credential) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(cred.User+":"+cred.Password))
}
