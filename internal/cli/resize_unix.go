//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// onResize calls f after each change of the terminal's size, until stop.
func onResize(f func()) (stop func()) {
	ch := make(chan os.Signal, 1)
	quit := make(chan struct{})
	signal.Notify(ch, syscall.SIGWINCH)
	go func() {
		for {
			select {
			case <-ch:
				f()
			case <-quit:
				return
			}
		}
	}()
	return func() { signal.Stop(ch); close(quit) }
}
