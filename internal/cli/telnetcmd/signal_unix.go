//go:build unix

package telnetcmd

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ttySignals are what to do on the signals that a terminal's user may cause.
type ttySignals struct {
	resized func() // its size has changed
	leave   func() // the process is about to be stopped
	back    func() // it goes on
	end     func() // it is to end

	ch chan os.Signal
}

// watch handles the signals until stop.
func (s *ttySignals) watch() (stop func()) {
	s.ch = make(chan os.Signal, 4)
	quit, ended := make(chan struct{}), make(chan struct{})
	signal.Notify(s.ch, syscall.SIGWINCH, syscall.SIGTSTP, syscall.SIGHUP, syscall.SIGQUIT)
	go func() {
		defer close(ended)
		for {
			select {
			case sig := <-s.ch:
				s.handle(sig)
			case <-quit:
				return
			}
		}
	}()
	return func() { signal.Stop(s.ch); close(quit); <-ended }
}

func (s *ttySignals) handle(sig os.Signal) {
	switch sig {
	case syscall.SIGWINCH:
		s.resized()
	case syscall.SIGTSTP:
		s.leave()
		s.suspend(syscall.Getpid())
		s.back()
	default:
		s.end()
	}
}

// stopTime is how long the kernel may take to stop the process.
const stopTime = 50 * time.Millisecond

// suspend stops a process, or with 0 all of this one's job, and returns when it
// goes on. SIGTSTP cannot do it once Go has caught it; SIGSTOP would also stop a
// process that no shell will wake up: one in the group of its session's leader.
func (s *ttySignals) suspend(pid int) {
	if session, err := unix.Getsid(0); err != nil || session == syscall.Getpgrp() {
		return
	}
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	time.Sleep(stopTime)
}
