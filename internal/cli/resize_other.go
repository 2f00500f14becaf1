//go:build !unix

package cli

// onResize: there is no signal for it here.
func onResize(func()) (stop func()) { return func() {} }
