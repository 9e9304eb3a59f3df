// Serves HTTP on the listening socket that is descriptor 3, and finally prints the number of
// requests. It does not change the flags of the socket.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
)

func main() {
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		panic(err)
	}
	var answered atomic.Int32
	server := &http.Server{}
	http.HandleFunc("/echo", func(writer http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			panic(err)
		}
		answered.Add(1)
		fmt.Fprintf(writer, "%s said %d bytes", request.URL.Query().Get("name"), len(body))
	})
	over := make(chan error)
	http.HandleFunc("/over", func(http.ResponseWriter, *http.Request) {
		go func() { over <- server.Shutdown(context.Background()) }()
	})
	if err := server.Serve(listener); err != http.ErrServerClosed {
		panic(err)
	}
	if err := <-over; err != nil {
		panic(err)
	}
	fmt.Println(answered.Load(), "requests")
}
