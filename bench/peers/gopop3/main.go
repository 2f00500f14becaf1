//go:build linux

// Command gopop3 fetches a maildrop with github.com/knadh/go-pop3, one file for each
// message, as its documentation shows: gopop3 PORT USER FOLDER. Protocol: RFC 1939.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	pop3 "github.com/knadh/go-pop3"
)

func main() {
	if err := fetch(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func fetch(port, user, folder string) error {
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	c, err := pop3.New(pop3.Opt{Host: "127.0.0.1", Port: number}).NewConn()
	if err != nil {
		return err
	}
	if err := c.Auth(user, "secret"); err != nil {
		return err
	}
	count, _, err := c.Stat()
	if err != nil {
		return err
	}
	for n := 1; n <= count; n++ {
		message, err := c.RetrRaw(n)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, strconv.Itoa(n)), message.Bytes(), 0o600); err != nil {
			return err
		}
	}
	return c.Quit()
}
