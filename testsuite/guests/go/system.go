// Go's runtime and library on WASI: goroutines, timers, files, folders, large outputs. The folder
// `/` is empty, and standard input has two lines.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

func check(what bool, why ...any) {
	if !what {
		panic(fmt.Sprint(why...))
	}
}

func must(err error) {
	check(err == nil, err)
}

func goroutines() {
	const count = 1000
	numbers := make(chan int)
	var group sync.WaitGroup
	for i := range count {
		group.Add(1)
		go func() {
			defer group.Done()
			time.Sleep(time.Duration(i%7) * time.Millisecond)
			numbers <- i
		}()
	}
	go func() { group.Wait(); close(numbers) }()
	sum := 0
	for number := range numbers {
		sum += number
	}
	check(sum == count*(count-1)/2, "sum ", sum)
	begun := time.Now()
	time.Sleep(50 * time.Millisecond)
	check(time.Since(begun) >= 50*time.Millisecond, "slept ", time.Since(begun))
	select {
	case <-time.After(10 * time.Millisecond):
	case <-make(chan int):
	}
}

func files() {
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
	must(os.WriteFile("/large", large, 0o600))
	back, err := os.ReadFile("/large")
	check(err == nil && bytes.Equal(large, back), "read back ", len(back), err)
	file, err := os.OpenFile("/large", os.O_RDWR, 0)
	must(err)
	part := make([]byte, 8)
	_, err = file.ReadAt(part, 24)
	check(err == nil && string(part) == "89abcdef", string(part), err)
	must(file.Truncate(5))
	must(file.Sync())
	info, err := file.Stat()
	check(err == nil && info.Size() == 5 && info.Mode().IsRegular(), info, err)
	must(file.Close())
	_, err = os.Open("/gone")
	check(errors.Is(err, fs.ErrNotExist), err)
	_, err = os.OpenFile("/large", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	check(errors.Is(err, fs.ErrExist), err)
	must(os.Chtimes("/large", time.Unix(1, 0), time.Unix(1600000000, 5000)))
	info, err = os.Stat("/large")
	check(err == nil && info.ModTime().Equal(time.Unix(1600000000, 5000)), info.ModTime(), err)
	must(os.Symlink("large", "/link"))
	target, err := os.Readlink("/link")
	check(err == nil && target == "large", target, err)
	must(os.Rename("/large", "/moved"))
	must(os.Remove("/link"))
	must(os.Remove("/moved"))
}

func folders() {
	must(os.MkdirAll("/a/b/c", 0o700))
	for i := range 1000 {
		must(os.WriteFile(fmt.Sprintf("/a/b/file %d", i), nil, 0o600))
	}
	entries, err := os.ReadDir("/a/b")
	check(err == nil && len(entries) == 1001, len(entries), err)
	walked := 0
	must(filepath.WalkDir("/a", func(_ string, _ fs.DirEntry, err error) error { walked++; return err }))
	check(walked == 1003, walked)
	must(os.RemoveAll("/a"))
	// Go cleans such a path itself, so that it stays inside the folder.
	_, err = os.Stat("/../../etc/passwd")
	check(errors.Is(err, fs.ErrNotExist), err)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for _, expected := range []string{"one", "two"} {
		check(lines.Scan() && lines.Text() == expected, lines.Text(), lines.Err())
	}
	goroutines()
	files()
	folders()
	line := bytes.Repeat([]byte("x"), 1<<20-1)
	for range 4 {
		fmt.Printf("%s\n", line)
	}
}
