package httpcmd

// Printed returns values of the types that --json prints, by the kind of object.
func Printed() map[string][]any {
	return map[string][]any{"response": {responseJSON{}}, "cookie": {cookieJSON{}, clearedJSON{}}}
}
