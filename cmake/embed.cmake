find_package(Python3 REQUIRED COMPONENTS Interpreter)

# carillon_embed(OUTPUT ROOT FILES...): a source that defines embedded_pages(), made by tools/embed_pages.py. It is made
# again when a page changes, and when one comes or goes: its command then differs.
function(carillon_embed output root)
  set(program ${CMAKE_SOURCE_DIR}/tools/embed_pages.py)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${Python3_EXECUTABLE} -B ${program} ${output} ${root} ${ARGN}
    DEPENDS ${program} ${ARGN}
    COMMENT "Embedding the pages of web/"
    VERBATIM)
endfunction()
