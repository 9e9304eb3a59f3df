// An echo server on the listening socket that is descriptor 3, with two connections at a time.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"sync"
)

func main() {
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		panic(err)
	}
	var group sync.WaitGroup
	for range 2 {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		group.Add(1)
		go func() {
			defer group.Done()
			defer connection.Close()
			line, err := bufio.NewReader(connection).ReadString('\n')
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(connection, "heard %s", line)
		}()
	}
	group.Wait()
}
