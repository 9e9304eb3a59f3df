//! Plans of small scripts, request by request, and what is made of their answers.
