// Copies a file with the standard library.
package main

import (
	"io"
	"os"
)

func fail(what string, err error) {
	os.Stderr.WriteString(what + ": " + err.Error() + "\n")
	os.Exit(1)
}

func main() {
	if len(os.Args) != 3 {
		os.Stderr.WriteString("usage: " + os.Args[0] + " <from> <to>\n")
		os.Exit(1)
	}
	input, err := os.Open(os.Args[1])
	if err != nil {
		fail("error opening input", err)
	}
	output, err := os.OpenFile(os.Args[2], os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o660)
	if err != nil {
		fail("error opening output", err)
	}
	if _, err := io.Copy(output, input); err != nil {
		fail("copy error", err)
	}
	if err := output.Close(); err != nil {
		fail("write error", err)
	}
}
