find_package(Python3 REQUIRED COMPONENTS Interpreter)

# carillon_embed(OUTPUT ROOTS FILES...): a source that defines embedded_pages(), made by tools/embed_pages.py. It is made
# again when a page changes, and when one comes or goes: its command then differs.
function(carillon_embed output roots)
  list(JOIN roots ":" root)
  set(program ${CMAKE_SOURCE_DIR}/tools/embed_pages.py)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${Python3_EXECUTABLE} -B ${program} ${output} ${root} ${ARGN}
    DEPENDS ${program} ${ARGN}
    COMMENT "Embedding the pages of web/"
    VERBATIM)
endfunction()

# carillon_bundle(RESULT ROOT OUTPUT FILES...): modules that import packages of npm, each made one file in OUTPUT by
# esbuild. RESULT is set to what is made.
function(carillon_bundle result root output)
  set(packages ${output}/npm_packages.stamp)
  add_custom_command(
    OUTPUT ${packages}
    COMMAND ${CMAKE_SOURCE_DIR}/tools/npm_packages
    COMMAND ${CMAKE_COMMAND} -E touch ${packages}
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/npm_packages ${CMAKE_SOURCE_DIR}/package-lock.json
    COMMENT "Installing npm packages"
    VERBATIM)
  set(made "")
  foreach(source ${ARGN})
    file(RELATIVE_PATH path ${root} ${source})
    add_custom_command(
      OUTPUT ${output}/${path}
      COMMAND ${CMAKE_SOURCE_DIR}/node_modules/.bin/esbuild ${source} --bundle --minify --format=esm --target=es2022
        --log-level=warning --outfile=${output}/${path}
      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
      DEPENDS ${source} ${packages}
      COMMENT "Bundling ${path}"
      VERBATIM)
    list(APPEND made ${output}/${path})
  endforeach()
  set(${result} ${made} PARENT_SCOPE)
endfunction()
