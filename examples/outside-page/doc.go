// Package labpage looks at the page of the lab with a browser. It is a module of its
// own, as a program that uses the library is: the library itself knows no browser.
package labpage
